//! Where the books stand: one shelf a subject, in order of their titles.

use crate::book::Book;
use crate::subject::subject_name;

/// The titles of every shelf.
#[derive(Clone, Debug, Default)]
pub struct ShelfPlan {
    shelves: BTreeMap<String, Vec<String>>,
}

/// A line of the sign at the end of an aisle.
#[derive(Debug)]
struct SignLine {
    code: String,
    text: String,
}

impl ShelfPlan {
    /// Puts every book on its shelf.
    pub fn of<'b>(books: impl Iterator<Item = &'b Book>) -> ShelfPlan {
        let plan = ShelfPlan::default();
        for book in books {
            plan.shelves
                .entry(book.subject.clone())
                .or_default()
                .push(book.title.clone());
        }
        for titles in plan.shelves.values_mut() {
            titles.sort_unstable();
        }
        plan
    }

    /// The titles filed under `subject`, in order.
    pub fn titles(&self, subject: &str) -> &[String] {
        self.shelves
            .get(subject)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The sign, a line a shelf, repeated codes left out.
    pub fn sign(&self) -> String {
        let mut lines: Vec<SignLine> = self
            .shelves
            .iter()
            .map(|(code, titles)| sign_line(code, titles.len()))
            .collect();
        lines.dedup_by(|later, earlier| later == earlier);
        let texts: Vec<String> = lines.into_iter().map(|line| line.text).collect();
        texts.join("\n")
    }
}

fn sign_line(code: &str, count: usize) -> SignLine {
    let name = subject_name(code).unwrap_or("Other");
    SignLine {
        code: code.to_string(),
        text: format!("{code} {name}: {count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_line_names_its_subject() {
        let line = sign_line("641", 3);
        assert_eq!(line.code, "641");
        assert_eq!(line.text, "641 Food and drink: 3");
    }
}
