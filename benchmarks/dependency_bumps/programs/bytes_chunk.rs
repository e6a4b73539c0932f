//! Splits what came over the line into lines.

use bytes::{Buf, Bytes};

pub fn first_line<B: Buf>(buffer: &mut B) -> Option<Vec<u8>> {
    let end = buffer.bytes().iter().position(|byte| *byte == b'\n')?;
    let line = buffer.bytes()[..end].to_vec();
    buffer.advance(end + 1);
    Some(line)
}

pub fn all_lines(text: &'static str) -> Vec<Vec<u8>> {
    let mut buffer = Bytes::from_static(text.as_bytes());
    std::iter::from_fn(|| first_line(&mut buffer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(all_lines("a\nbc\nrest"), [&b"a"[..], b"bc"]);
        assert!(all_lines("rest").is_empty());
    }
}
