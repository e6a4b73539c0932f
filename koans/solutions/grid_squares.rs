/// Reads a square of a city map such as `C7` as its column and row, both from 0.
pub fn square(text: &str) -> Result<(u8, u8), String> {
    let mut letters = text.chars();
    let column = match letters.next() {
        Some(letter @ 'A'..='K') => letter as u8 - b'A',
        Some(other) => return Err(format!("there is no column {other}")),
        None => return Err("a square has a letter and a number".to_string()),
    };
    let row: u8 = letters
        .as_str()
        .parse()
        .map_err(|_| format!("no row can be read in {text}"))?;
    if !(1..=12).contains(&row) {
        return Err(format!("there is no row {row}"));
    }
    Ok((column, row - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_count_from_zero() {
        assert_eq!(square("A1"), Ok((0, 0)));
        assert_eq!(square("K12"), Ok((10, 11)));
    }

    #[test]
    fn squares_beyond_the_map_are_refused() {
        assert_eq!(square("L3"), Err("there is no column L".to_string()));
        assert_eq!(square("C13"), Err("there is no row 13".to_string()));
        assert!(square("C").is_err());
    }
}
