use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    Low,
    Moderate,
    High,
}

/// A bulletin with a line for each level of danger that occurs, from low to high.
pub fn bulletin(valleys: &[(&str, Danger)]) -> String {
    let levels: BTreeSet<Danger> = valleys.iter().map(|valley| valley.1).collect();
    let mut text = String::new();
    for level in levels {
        let named = valleys.iter().filter(|valley| valley.1 == level);
        let names: Vec<&str> = named.map(|valley| valley.0).collect();
        text += &format!("{level:?}: {}\n", names.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_from_low_to_high() {
        let valleys = [
            ("Inner", Danger::High),
            ("Outer", Danger::Low),
            ("Upper", Danger::High),
            ("Lower", Danger::Moderate),
        ];
        let expected = "Low: Outer\nModerate: Lower\nHigh: Inner, Upper\n";
        assert_eq!(bulletin(&valleys), expected);
    }
}
