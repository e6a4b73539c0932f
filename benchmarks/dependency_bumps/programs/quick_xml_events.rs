//! Titles of a feed.

use quick_xml::events::Event;
use quick_xml::Reader;

pub fn titles(feed: &str) -> Result<Vec<String>, quick_xml::Error> {
    let mut reader = Reader::from_str(feed);
    let mut buffer = Vec::new();
    let mut titles = Vec::new();
    let mut inside = false;
    loop {
        match reader.read_event(&mut buffer)? {
            Event::Start(start) => inside = start.name() == b"title",
            Event::End(_) => inside = false,
            Event::Text(text) if inside => titles.push(text.unescape_and_decode(&reader)?),
            Event::Eof => return Ok(titles),
            _ => {}
        }
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_titles() {
        let feed = "<feed><title>a &amp; b</title><link>c</link><title>d</title></feed>";
        assert_eq!(titles(feed).unwrap(), ["a & b", "d"]);
        assert!(titles("<feed></food>").is_err());
    }
}
