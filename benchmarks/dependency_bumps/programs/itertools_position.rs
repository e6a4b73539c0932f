//! Writes lists as people do: "a, b and c".

use itertools::{Itertools, Position};

pub fn listed(words: &[&str]) -> String {
    let mut text = String::new();
    for position in words.iter().with_position() {
        match position {
            Position::First(word) | Position::Only(word) => text.push_str(word),
            Position::Middle(word) => {
                text.push_str(", ");
                text.push_str(word);
            }
            Position::Last(word) => {
                text.push_str(" and ");
                text.push_str(word);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&[]), "");
    }
}
