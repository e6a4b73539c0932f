//! The language of the desk.

use std::fmt;
use std::num::ParseIntError;

use lending::{Day, MemberId};

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Day(Day),
    Out { isbn: String, member: MemberId },
    Back { isbn: String },
    Renew { isbn: String },
    Hold { isbn: String, member: MemberId },
    Find(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ParseCommandError {
    Unknown(String),
    Missing(&'static str),
    Number(ParseIntError),
}

impl Command {
    pub fn parse(line: &str) -> Result<Command, ParseCommandError> {
        let mut words = line.split_whitespace();
        let verb = words.next().ok_or(ParseCommandError::Missing("command"))?;
        let mut argument =
            |name: &'static str| words.next().ok_or(ParseCommandError::Missing(name));
        let command = match verb {
            "day" => Command::Day(Day::new(number(argument("day")?)?)),
            "out" => {
                let isbn = argument("isbn")?.to_string();
                Command::Out {
                    isbn,
                    member: member(argument("member")?)?,
                }
            }
            "back" => Command::Back {
                isbn: argument("isbn")?.to_string(),
            },
            "renew" => Command::Renew {
                isbn: argument("isbn")?.to_string(),
            },
            "hold" => {
                let isbn = argument("isbn")?.to_string();
                Command::Hold {
                    isbn,
                    member: member(argument("member")?)?,
                }
            }
            "find" => Command::Find(line["find".len()..].trim().to_string()),
            other => return Err(ParseCommandError::Unknown(other.to_string())),
        };
        Ok(command)
    }
}

fn number(text: &str) -> Result<u32, ParseCommandError> {
    text.parse().map_err(ParseCommandError::Number)
}

fn member(text: &str) -> Result<MemberId, ParseCommandError> {
    let digits = text.trim_start_matches('m');
    number(digits).map(MemberId)
}

impl fmt::Display for ParseCommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseCommandError::Unknown(verb) => write!(f, "no command {verb:?}"),
            ParseCommandError::Missing(name) => write!(f, "a {name} is missing"),
            ParseCommandError::Number(error) => write!(f, "no number: {error}"),
        }
    }
}

impl std::error::Error for ParseCommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_with_or_without_an_m() {
        let expected = Ok(Command::Hold {
            isbn: "1".to_string(),
            member: MemberId(12),
        });
        assert_eq!(Command::parse("hold 1 m12"), expected);
        assert_eq!(Command::parse("hold 1 12"), expected);
    }

    #[test]
    fn the_search_text_keeps_its_spaces() {
        assert_eq!(
            Command::parse("find night  owls"),
            Ok(Command::Find("night  owls".to_string()))
        );
        assert_eq!(
            Command::parse("out"),
            Err(ParseCommandError::Missing("isbn"))
        );
    }
}
