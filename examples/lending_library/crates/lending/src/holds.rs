//! Members who wait for a book.

use std::collections::{HashMap, VecDeque};

use catalog::Isbn;

use crate::loan::MemberId;

/// A queue for every book that somebody waits for.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    waiting: HashMap<Isbn, VecDeque<MemberId>>,
}

impl Holds {
    /// Queues `member` for a book; asking twice does not move anybody.
    pub fn place(&mut self, isbn: &Isbn, member: MemberId) -> usize {
        let queue = self.waiting.entry(isbn.clone()).or_default();
        if let Some(position) = queue.iter().position(|waiting| *waiting == member) {
            return position + 1;
        }
        queue.push_back(member);
        queue.len()
    }

    /// Who is next in line for a book.
    pub fn first(&self, isbn: &Isbn) -> Option<MemberId> {
        self.waiting.get(isbn)?.front().copied()
    }

    /// Takes `member` out of the line for a book they have got.
    pub fn fulfil(&mut self, isbn: &Isbn, member: MemberId) {
        if let Some(queue) = self.waiting.get_mut(isbn) {
            queue.retain(|waiting| *waiting != member);
        }
    }

    /// How many members wait, over all books.
    pub fn total(&self) -> usize {
        let mut total = 0;
        for queue in self.waiting.values() {
            total += queue.len();
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served() {
        let isbn: Isbn = "9780141439518".parse().unwrap();
        let mut holds = Holds::default();
        assert_eq!(holds.place(&isbn, MemberId(3)), 1);
        assert_eq!(holds.place(&isbn, MemberId(5)), 2);
        assert_eq!(holds.place(&isbn, MemberId(3)), 1);
        assert_eq!(holds.total(), 2);
        holds.fulfil(&isbn, MemberId(3));
        assert_eq!(holds.first(&isbn), Some(MemberId(5)));
    }
}
