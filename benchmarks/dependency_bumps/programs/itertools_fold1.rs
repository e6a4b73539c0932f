//! Sums of readings.

use itertools::Itertools;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub hour: u8,
    pub value: f64,
}

pub fn highest(readings: &[Reading]) -> Option<Reading> {
    readings.iter().copied().fold1(|one, other| if other.value > one.value { other } else { one })
}

pub fn parsed(lines: &[&str]) -> Result<Vec<f64>, String> {
    lines
        .iter()
        .map(|line| line.parse::<f64>().map_err(|error| error.to_string()))
        .map_results(|value| value / 10.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_and_parses() {
        let readings = [Reading { hour: 1, value: 2.0 }, Reading { hour: 2, value: 5.0 }];
        assert_eq!(highest(&readings), Some(readings[1]));
        assert_eq!(highest(&[]), None);
        assert_eq!(parsed(&["10", "20"]).unwrap(), [1.0, 2.0]);
        assert!(parsed(&["x"]).is_err());
    }
}
