//! Letters to members who have forgotten a book.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use catalog::Catalog;

use crate::calendar::Day;
use crate::ledger::Ledger;
use crate::loan::MemberId;

/// One line of a letter: a title, and since when it is missed.
struct NoticeLine<'c> {
    title: &'c str,
    due: Day,
}

impl Display for NoticeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {} (due {})", self.title, self.due)
    }
}

/// A letter for every member with overdue books.
pub fn notices(ledger: &Ledger, catalog: &Catalog, today: Day) -> Vec<String> {
    let mut by_member: BTreeMap<MemberId, Vec<NoticeLine<'_>>> = BTreeMap::new();
    for loan in ledger.overdue(today) {
        if let Some(book) = catalog.get(loan.isbn()) {
            let line = NoticeLine {
                title: &book.title,
                due: loan.due(),
            };
            by_member.entry(loan.member()).or_default().push(line);
        }
    }
    by_member
        .iter()
        .map(|(member, lines)| letter(*member, lines))
        .collect()
}

fn letter(member: MemberId, lines: &[NoticeLine<'_>]) -> String {
    format!("To {member}:\n{}", joined(lines, "\n"))
}

fn joined<T>(items: &[T], separator: &str) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(&format!("{item}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_stand_between() {
        assert_eq!(joined(&[1, 2, 3], ", "), "1, 2, 3");
        assert_eq!(joined::<u8>(&[], ", "), "");
    }
}
