//! Blocks of a file with a checksum each.

use crc::crc32;

#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub content: Vec<u8>,
    pub sum: u32,
}

impl Block {
    pub fn new(content: Vec<u8>) -> Block {
        let sum = crc32::checksum_ieee(&content);
        Block { content, sum }
    }

    pub fn is_whole(&self) -> bool {
        crc32::checksum_ieee(&self.content) == self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let mut block = Block::new(b"123456789".to_vec());
        assert_eq!(block.sum, 0xcbf4_3926);
        block.content[0] = b'2';
        assert!(!block.is_whole());
    }
}
