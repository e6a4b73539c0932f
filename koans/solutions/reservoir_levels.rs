use std::num::ParseFloatError;

/// The highest level in a log of rows like `2024-03-01;17.25`.
///
/// Rows without a semicolon are remarks.
pub fn highest(log: &str) -> Result<f64, ParseFloatError> {
    let mut highest = f64::NEG_INFINITY;
    for (_day, level) in log.lines().filter_map(|row| row.split_once(';')) {
        let level: f64 = level.trim().parse()?;
        highest = highest.max(level);
    }
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_skipped() {
        let log = "new sensor\n2024-03-01; 17.25\n2024-03-02;18\n2024-03-03;16.5\n";
        assert_eq!(highest(log), Ok(18.0));
    }

    #[test]
    fn a_bad_row_is_an_error() {
        assert!(highest("2024-03-01;17.25\n2024-03-02;n/a\n").is_err());
    }
}
