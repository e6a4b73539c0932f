//! The ways of a house that exists nowhere: a restaurant's own crate, in which every value, error and line of the
//! journal is made in one way only. What is not the house's way does not compile.

use std::fmt::Debug;
use std::ops::Add;

/// An amount of money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(i64);

impl Cents {
    pub const fn new(amount: i64) -> Cents {
        Cents(amount)
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

impl Add for Cents {
    type Output = Cents;

    fn add(self, other: Cents) -> Cents {
        Cents(self.0 + other.0)
    }
}

/// One of the tables; there are three hundred at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(u16);

impl From<u16> for TableId {
    fn from(number: u16) -> TableId {
        TableId(number.min(300))
    }
}

/// What is written on a sign: short, and without blanks around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

impl Label {
    pub fn parse(text: &str) -> Label {
        Label(text.trim().chars().take(40).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a guest waits; the house counts in whole minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minutes(u64);

impl Minutes {
    pub const fn from_secs(seconds: u64) -> Minutes {
        Minutes(seconds.div_ceil(60))
    }
}

/// A part of a bill, exact to a thousandth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// So many of so many parts.
    pub const fn div(some: u32, all: u32) -> Share {
        Share(some * 1000 / all)
    }
}

/// Everything that goes wrong in the house, made by its constructors and in no other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseError {
    kind: &'static str,
    about: String,
}

impl HouseError {
    /// Something is not there.
    pub fn empty(about: impl Into<String>) -> HouseError {
        HouseError { kind: "empty", about: about.into() }
    }

    /// Something may not be done.
    pub fn abort(about: impl Into<String>) -> HouseError {
        HouseError { kind: "abort", about: about.into() }
    }

    /// A text that cannot be read: what std says of it is kept.
    pub fn parse(error: impl std::error::Error) -> HouseError {
        HouseError { kind: "parse", about: error.to_string() }
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub fn about(&self) -> &str {
        &self.about
    }
}

/// Where a line of the journal belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Topic {
    #[default]
    Hall,
    Kitchen,
    Cellar,
}

/// The house's journal. Nobody prints; everybody writes here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Journal {
    lines: Vec<(Topic, String)>,
    pages: Vec<String>,
}

impl Journal {
    /// A line, under the topic it belongs to.
    pub fn push(&mut self, topic: Topic, line: &str) {
        self.lines.push((topic, line.to_string()));
    }

    /// The page that is open: what is written there is kept for ever.
    pub fn scope(&mut self) -> Page<'_> {
        Page { journal: self }
    }

    pub fn len(&self) -> usize {
        self.lines.len() + self.pages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A page of the journal, open for writing.
#[derive(Debug)]
pub struct Page<'a> {
    journal: &'a mut Journal,
}

impl Page<'_> {
    pub fn write_str(&mut self, line: &str) {
        self.journal.pages.push(line.to_string());
    }
}

/// What may stand on a list of the house; a type says so itself.
pub trait Listed: Debug {
    fn title(&self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// One line of a list.
pub fn line<T: Listed>(one: &T) -> String {
    format!("* {}", one.title())
}

/// All lines of a list.
pub fn lines<T: Listed>(all: &[T]) -> Vec<String> {
    all.iter().map(line).collect()
}
