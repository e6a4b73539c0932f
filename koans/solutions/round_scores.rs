use std::num::ParseIntError;

/// The points of a quiz team, round after round.
#[derive(Debug, Default)]
pub struct ScoreSheet {
    rounds: Vec<i64>,
}

impl ScoreSheet {
    /// Adds the rounds of a line such as `12 -3 7`, or none of them.
    pub fn add_line(&mut self, line: &str) -> Result<(), ParseIntError> {
        let mut read = Vec::new();
        for points in line.split_whitespace() {
            read.push(points.parse::<i64>()?);
        }
        self.rounds.append(&mut read);
        Ok(())
    }

    pub fn total(&self) -> i64 {
        self.rounds.iter().sum()
    }
}

/// The total of a whole sheet, one team's lines from top to bottom.
pub fn total_of(lines: &str) -> Result<i64, ParseIntError> {
    let mut sheet = ScoreSheet::default();
    for line in lines.lines() {
        sheet.add_line(line)?;
    }
    Ok(sheet.total())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_add_up() {
        assert_eq!(total_of("12 -3 7\n\n4"), Ok(20));
    }

    #[test]
    fn a_line_that_cannot_be_read_reaches_the_caller() {
        assert!(total_of("12 5\nseven 4\n1").is_err());
    }
}
