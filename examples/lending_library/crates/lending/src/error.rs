//! Why the desk has to say no.

use std::fmt;

use catalog::{Isbn, ParseIsbnError};

use crate::loan::MemberId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LendingError {
    Isbn(ParseIsbnError),
    NotInCatalog(Isbn),
    AlreadyOut(Isbn),
    NotOut(Isbn),
    HeldFor { isbn: Isbn, member: MemberId },
    TooManyRenewals(u8),
}

impl From<ParseIsbnError> for LendingError {
    fn from(error: ParseIsbnError) -> Self {
        LendingError::Isbn(error)
    }
}

impl fmt::Display for LendingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LendingError::Isbn(error) => write!(f, "{error}"),
            LendingError::NotInCatalog(isbn) => write!(f, "{isbn} is not in the catalog"),
            LendingError::AlreadyOut(isbn) => write!(f, "{isbn} is out already"),
            LendingError::NotOut(isbn) => write!(f, "{isbn} is not out"),
            LendingError::HeldFor { isbn, member } => write!(f, "{isbn} is held for {member}"),
            LendingError::TooManyRenewals(limit) => write!(f, "renewed {limit} times already"),
        }
    }
}

impl std::error::Error for LendingError {}
