//! Free-text search over titles and authors.

use crate::book::Book;

/// The words of a query, and the subject it is restricted to.
///
/// `subject:598 owl` finds books on birds that mention owls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    words: Vec<String>,
    subject: Option<String>,
}

/// Splits a text into lower-case-insensitive words without allocating.
struct Words<'a> {
    rest: &str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.find(|c: char| c.is_alphanumeric())?;
        let text = &self.rest[start..];
        let end = text
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(text.len());
        self.rest = &text[end..];
        Some(&text[..end])
    }
}

impl Query {
    pub fn parse(text: &str) -> Query {
        let mut query = Query::default();
        for term in text.split_whitespace() {
            match term.strip_prefix("subject:") {
                Some(code) => query.subject = Some(code.to_string()),
                None => query
                    .words
                    .extend(Words { rest: term }.map(str::to_lowercase)),
            }
        }
        query
    }

    pub fn matches(&self, book: &Book) -> bool {
        if let Some(subject) = &self.subject
            && book.subject != *subject
        {
            return false;
        }
        self.words.iter().all(|wanted| mentions(book, wanted))
    }
}

fn mentions(book: &Book, wanted: &str) -> bool {
    let in_title = Words { rest: &book.title }.any(|word| word.to_lowercase() == wanted);
    let in_authors = book
        .authors
        .iter()
        .any(|author| Words { rest: author }.any(|word| word.to_lowercase() == wanted));
    in_title or in_authors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_skip_punctuation() {
        let words: Vec<&str> = Words {
            rest: "Owls, & other — night birds!",
        }
        .collect();
        assert_eq!(words, ["Owls", "other", "night", "birds"]);
    }

    #[test]
    fn a_subject_is_no_word() {
        let query = Query::parse("subject:598 Owl");
        assert_eq!(
            query,
            Query {
                words: vec!["owl".to_string()],
                subject: Some("598".to_string())
            }
        );
    }
}
