use std::num::ParseFloatError;

/// Rain of one month, in millimetres a day; a dash is a day without rain.
#[derive(Debug)]
pub struct RainMonth {
    days: Vec<f32>,
}

impl RainMonth {
    /// Reads a row such as `0.5|-|12`.
    pub fn read(row: &str) -> Result<RainMonth, ParseFloatError> {
        let days = row
            .split('|')
            .map(|day| match day.trim() {
                "-" => 0.0,
                millimetres => millimetres.parse::<f32>()?,
            })
            .collect();
        Ok(RainMonth { days })
    }

    pub fn wet_days(&self) -> usize {
        self.days.iter().filter(|rain| **rain > 0.0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_dry_days() {
        let month = RainMonth::read("0.5| - |12|0.0|3.25").expect("the row is good");
        assert_eq!(month.wet_days(), 3);
        assert_eq!(month.days, [0.5, 0.0, 12.0, 0.0, 3.25]);
    }

    #[test]
    fn an_unreadable_day_spoils_the_row() {
        assert!(RainMonth::read("1|wet|2").is_err());
        assert!(RainMonth::read("1||2").is_err());
    }
}
