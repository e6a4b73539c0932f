use std::num::ParseIntError;

/// Reads a label like "1 250", in cents.
fn read_label(label: &str) -> Result<u32, ParseIntError> {
    let digits: String = label.split_whitespace().collect();
    digits.parse()
}

/// The change for a customer who pays `paid` cents for the labelled thing, or what to tell them.
pub fn change(paid: u32, label: &str) -> Result<u32, String> {
    let price: u32 = read_label(label);
    if paid < price {
        return Err(format!("{} cents are missing", price - paid));
    }
    Ok(paid - price)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_given() {
        assert_eq!(change(2000, "1 250"), Ok(750));
        assert_eq!(change(5, "5"), Ok(0));
    }

    #[test]
    fn problems_are_told() {
        assert_eq!(change(3, "10"), Err("7 cents are missing".to_string()));
        assert!(change(10, "ask us").is_err());
    }
}
