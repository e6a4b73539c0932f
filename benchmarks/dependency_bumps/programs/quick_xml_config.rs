//! Counts the elements of a document.

use std::collections::BTreeMap;

use quick_xml::events::Event;
use quick_xml::Reader;

pub fn count(document: &str) -> Option<BTreeMap<String, usize>> {
    let mut reader = Reader::from_str(document);
    reader.trim_text(true);
    reader.expand_empty_elements(true);
    let mut counts = BTreeMap::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                *counts.entry(name).or_insert(0) += 1;
            }
            Event::Eof => return Some(counts),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_empty_elements_too() {
        let counts = count("<a> <b/> <b></b> </a>").unwrap();
        assert_eq!((counts["a"], counts["b"]), (1, 2));
        assert!(count("<a></b>").is_none());
    }
}
