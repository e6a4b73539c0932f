/// The form in which call signs of radio amateurs are compared: letters and digits
/// only, in capitals.
fn canonical(sign: &str) -> &str {
    let kept: String = sign
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    kept.as_str()
}

pub fn same_station(left: &str, right: &str) -> bool {
    canonical(left) == canonical(right)
}

/// One line of the station's log; `minute` counts from midnight.
pub fn log_line(minute: u32, sign: &str) -> String {
    let name = canonical(sign);
    format!("{:02}:{:02} {name}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        assert!(same_station("dl-7 kxy", "DL7KXY"));
        assert!(!same_station("dl7kxy", "dl7kxz"));
    }

    #[test]
    fn the_log_has_the_canonical_form() {
        assert_eq!(log_line(615, "oe/3 abc"), "10:15 OE3ABC");
    }
}
