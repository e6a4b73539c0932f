use std::collections::HashSet;
use std::hash::{Hash, Hasher};

/// An address of which capitals and small letters are the same.
#[derive(Debug, Clone)]
pub struct Address(String);

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

/// The receivers of a newsletter without those that stand in the list twice.
pub fn receivers(list: &[&str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for entry in list {
        if seen.insert(Address(entry.to_string())) {
            kept.push(entry.to_string());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_make_no_second_receiver() {
        let list = [
            "Lea@post.example",
            "tom@post.example",
            "lea@POST.example",
            "TOM@post.example",
            "tomma@post.example",
        ];
        let expected = ["Lea@post.example", "tom@post.example", "tomma@post.example"];
        assert_eq!(receivers(&list), expected);
    }
}
