/// A unit in a recipe; small, and passed about by value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    symbol: &'static str,
    grams: f64,
}

impl Unit {
    pub fn new(symbol: &'static str, grams: f64) -> Unit {
        Unit { symbol, grams }
    }

    pub fn show(self, amount: f64) -> String {
        format!("{amount} {}", self.symbol)
    }
}

/// The same weight in another unit.
pub fn convert(amount: f64, from: Unit, to: Unit) -> f64 {
    amount * from.grams / to.grams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_used_more_than_once() {
        let ounce = Unit::new("oz", 28.0);
        let gram = Unit::new("g", 1.0);
        assert_eq!(gram.show(convert(2.0, ounce, gram)), "56 g");
        assert_eq!(ounce.show(convert(14.0, gram, ounce)), "0.5 oz");
    }
}
