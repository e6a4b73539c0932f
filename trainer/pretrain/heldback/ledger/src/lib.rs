//! An invented crate for keeping books. Its interface is like no other on purpose.

/// Why a book takes no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    about: String,
}

impl Refusal {
    pub fn about(&self) -> &str {
        &self.about
    }
}

/// A line that may be written into a book: what for, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    about: String,
    amount: i64,
}

impl From<(&str, i64)> for Posting {
    fn from((about, amount): (&str, i64)) -> Posting {
        Posting { about: about.to_string(), amount }
    }
}

impl Posting {
    pub fn amount(&self) -> i64 {
        self.amount
    }
}

/// A book that entries are appended to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    owner: String,
    entries: Vec<Posting>,
}

impl Book {
    pub fn open(owner: &str) -> Book {
        Book { owner: owner.to_string(), entries: Vec::new() }
    }

    /// What the book holds, from the first line to the last.
    pub fn range(&self) -> impl Iterator<Item = &Posting> {
        self.entries.iter()
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Closes a book; tells what all entries come to. A book without entries cannot be closed.
    pub fn finish(book: Book) -> Result<i64, Refusal> {
        if book.entries.is_empty() {
            return Err(Refusal { about: format!("{} has no entries", book.owner) });
        }
        Ok(book.entries.iter().map(Posting::amount).sum())
    }
}

/// Writes an entry into a book. Entries of nothing are refused.
pub fn append(book: &mut Book, entry: Posting) -> Result<usize, Refusal> {
    if entry.amount == 0 {
        return Err(Refusal { about: entry.about });
    }
    book.entries.push(entry);
    Ok(book.entries.len())
}
