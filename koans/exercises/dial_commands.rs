use std::num::ParseIntError;

#[derive(Debug, PartialEq)]
pub enum DialError {
    Unknown(String),
    BadAmount(ParseIntError),
}

/// A dial that stands at a number from 0 to 99 and goes round.
pub fn turn(position: u32, command: &str) -> Result<u32, DialError> {
    let (word, amount) = match command.split_once(' ') {
        Some((word, amount)) => (word, amount.parse::<u32>()?),
        None => (command, 1),
    };
    let steps = match word {
        "right" => amount % 100,
        "left" => 100 - amount % 100,
        _ => return Err(DialError::Unknown(word.to_string())),
    };
    Ok((position + steps) % 100)
}

pub fn turn_all(commands: &[&str]) -> Result<u32, DialError> {
    commands.iter().try_fold(0, |at, command| turn(at, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dial_goes_round() {
        assert_eq!(turn_all(&["left 3", "right 15", "left"]), Ok(11));
    }

    #[test]
    fn both_mistakes_are_told_apart() {
        assert_eq!(turn(5, "up 2"), Err(DialError::Unknown("up".into())));
        let bad = turn_all(&["right 2", "left two", "up"]);
        assert!(matches!(bad, Err(DialError::BadAmount(_))));
    }
}
