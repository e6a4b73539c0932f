//! Finds forbidden words.

use aho_corasick::AhoCorasick;

pub struct Filter {
    words: Vec<String>,
    automaton: AhoCorasick,
}

impl Filter {
    pub fn new(words: &[&str]) -> Filter {
        Filter {
            words: words.iter().map(|word| word.to_string()).collect(),
            automaton: AhoCorasick::new(words),
        }
    }

    pub fn first_found(&self, text: &str) -> Option<&str> {
        let found = self.automaton.find(text)?;
        Some(&self.words[found.pattern()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds() {
        let filter = Filter::new(&["spam", "eggs"]);
        assert_eq!(filter.first_found("ham and eggs and spam"), Some("eggs"));
        assert_eq!(filter.first_found("ham"), None);
    }
}
