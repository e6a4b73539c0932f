//! Addresses of searches.

use percent_encoding::{percent_decode, utf8_percent_encode, DEFAULT_ENCODE_SET};

pub fn search_address(words: &[&str]) -> String {
    let query = words
        .iter()
        .map(|word| utf8_percent_encode(word, DEFAULT_ENCODE_SET).to_string())
        .collect::<Vec<_>>()
        .join("+");
    format!("/search?q={query}")
}

pub fn word_of(encoded: &str) -> Option<String> {
    percent_decode(encoded.as_bytes()).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_decodes() {
        assert_eq!(search_address(&["a b", "c"]), "/search?q=a%20b+c");
        assert_eq!(word_of("a%20b").as_deref(), Some("a b"));
        assert_eq!(word_of("%ff"), None);
    }
}
