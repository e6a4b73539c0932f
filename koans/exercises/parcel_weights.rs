#[derive(Debug, PartialEq)]
pub enum WeightError {
    Empty,
    Unreadable(String),
    TooHeavy { grams: u32 },
}

const HEAVIEST: u32 = 31_500;

/// Reads the weight of a parcel in grams, as a clerk types it: `1250` or `1250 g`.
pub fn read_grams(typed: &str) -> Result<u32, WeightError> {
    let digits = typed.trim().trim_end_matches('g').trim_end();
    if digits.is_empty() {
        return Err(WeightError::Empty);
    }
    let grams = digits
        .parse::<u32>()
        .ok_or(WeightError::Unreadable(typed.to_string()))?;
    if grams > HEAVIEST {
        return Err(WeightError::TooHeavy { grams });
    }
    Ok(grams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_weights_are_read() {
        assert_eq!(read_grams("1250"), Ok(1250));
        assert_eq!(read_grams(" 31500 g"), Ok(31_500));
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        assert_eq!(read_grams(" g "), Err(WeightError::Empty));
        let unreadable = WeightError::Unreadable("1,2 g".to_string());
        assert_eq!(read_grams("1,2 g"), Err(unreadable));
        let heavy = WeightError::TooHeavy { grams: 40_000 };
        assert_eq!(read_grams("40000"), Err(heavy));
    }
}
