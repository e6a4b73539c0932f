//! A title and the form it comes in.

use serde::{Deserialize, Serialize};

use crate::isbn::Isbn;

/// One title of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    pub isbn: Isbn,
    pub title: String,
    pub authors: Vec<String>,
    /// Code of the subject it is filed under.
    pub subject: String,
    #[serde(default)]
    pub format: Format,
}

/// The form decides where a book stands and how long it may be out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Format {
    #[default]
    Paperback,
    Hardback,
    LargePrint {
        points: u8,
    },
    Audio {
        minutes: u32,
        discs: u8,
    },
}

impl Format {
    /// For how many days a member may keep it.
    pub fn loan_days(&self) -> u32 {
        match self {
            Format::Paperback | Format::Hardback => 21,
            Format::LargePrint { .. } => 28,
            Format::Audio { minutes } if *minutes > 600 => 14,
            Format::Audio { .. } => 7,
        }
    }

    /// What stands on the label, where anything does.
    pub fn label(&self) -> Option<String> {
        match self {
            Format::Paperback | Format::Hardback => None,
            Format::LargePrint { points } => Some(format!("large print, {points} pt")),
            Format::Audio { minutes, discs } => Some(format!("{discs} discs, {minutes} min")),
        }
    }
}

impl Book {
    /// "Title (Author, Author)", for receipts and notices.
    pub fn citation(&self) -> String {
        format!("{} ({})", self.title, self.authors.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_recordings_may_be_kept_longer() {
        assert_eq!(
            Format::Audio {
                minutes: 95,
                discs: 2
            }
            .loan_days(),
            7
        );
        assert_eq!(
            Format::Audio {
                minutes: 1210,
                discs: 17
            }
            .loan_days(),
            14
        );
    }

    #[test]
    fn only_unusual_forms_are_labelled() {
        assert_eq!(Format::Hardback.label(), None);
        assert_eq!(
            Format::LargePrint { points: 16 }.label().as_deref(),
            Some("large print, 16 pt")
        );
    }
}
