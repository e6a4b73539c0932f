//! Checksums of downloads.

use sha2::{Digest, Sha256};

pub fn checksum(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.input(part);
    }
    hasher.result().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn is_whole(download: &[u8], expected: &str) -> bool {
    checksum(&[download]).eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sum() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksum(&[b"a", b"bc"]), sum);
        assert!(is_whole(b"abc", &sum.to_uppercase()));
    }
}
