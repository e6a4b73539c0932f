//! ISBN-13, checked when it enters the system and trusted afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A valid ISBN-13, without hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Isbn(String);

/// Why a text is no ISBN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseIsbnError {
    Length(usize),
    NotADigit(char),
    CheckDigit { expected: u32, found: u32 },
}

impl Isbn {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The digit that makes the weighted sum of all thirteen a multiple of ten.
fn check_digit(payload: &[u8]) -> u32 {
    let mut sum = 0;
    for (position, digit) in payload.iter().enumerate() {
        let weight = if position % 2 == 0 { 1 } else { 3 };
        sum += weigh((*digit).into(), weight);
    }
    (10 - sum % 10) % 10
}

fn weigh(digit: u32, weight: u32) -> u32 {
    digit * weight
}

impl FromStr for Isbn {
    type Err = ParseIsbnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let compact: String = text.chars().filter(|c| *c != '-' && *c != ' ').collect();
        if let Some(stranger) = compact.chars().find(|c| !c.is_ascii_digit()) {
            return Err(ParseIsbnError::NotADigit(stranger));
        }
        if compact.len() != 13 {
            return Err(ParseIsbnError::Length(compact.len()));
        }
        let digits: Vec<u8> = compact.bytes().map(|byte| byte - b'0').collect();
        let (payload, last) = digits.split_at(12);
        let expected = check_digit(payload);
        let found = u32::from(last[0]);
        if expected != found {
            return Err(ParseIsbnError::CheckDigit { expected, found });
        }
        Ok(Isbn(compact))
    }
}

impl TryFrom<String> for Isbn {
    type Error = ParseIsbnError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Isbn> for String {
    fn from(isbn: Isbn) -> String {
        isbn.0
    }
}

impl fmt::Display for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ParseIsbnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseIsbnError::Length(length) => {
                write!(f, "an ISBN has 13 digits, this one has {length}")
            }
            ParseIsbnError::NotADigit(stranger) => write!(f, "{stranger:?} is not a digit"),
            ParseIsbnError::CheckDigit { expected, found } => {
                write!(f, "the check digit should be {expected}, not {found}")
            }
        }
    }
}

impl std::error::Error for ParseIsbnError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyphens_are_dropped() {
        let isbn: Isbn = "978-0-14-143951-8".parse().unwrap();
        assert_eq!(isbn.as_str(), "9780141439518");
    }

    #[test]
    fn a_swapped_digit_is_noticed() {
        let error = "9780141439581".parse::<Isbn>().unwrap_err();
        assert_eq!(
            error,
            ParseIsbnError::CheckDigit {
                expected: 7,
                found: 1
            }
        );
    }
}
