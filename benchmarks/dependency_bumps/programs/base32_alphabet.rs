//! Secrets for two-factor sign-in.

use base32::Alphabet;

const ALPHABET: Alphabet = Alphabet::RFC4648 { padding: false };

pub fn shown(secret: &[u8]) -> String {
    let text = base32::encode(ALPHABET, secret);
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|start| &text[start..text.len().min(start + 4)]).collect();
    groups.join(" ")
}

pub fn secret_of(text: &str) -> Option<Vec<u8>> {
    base32::decode(ALPHABET, &text.replace(' ', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = shown(b"hello");
        assert_eq!(text, "NBSW Y3DP");
        assert_eq!(secret_of(&text).unwrap(), b"hello");
        assert!(secret_of("1").is_none());
    }
}
