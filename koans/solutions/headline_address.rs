const FILLERS: [&str; 4] = ["the", "of", "and", "a"];

/// The part of a web address that stands for a headline: at most five words, without fillers.
pub fn address_of(headline: &str) -> String {
    let lowered = headline.to_lowercase();
    let words: Vec<&str> = lowered
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !FILLERS.contains(word))
        .collect();
    let kept = words.len().min(5);
    words[..kept].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_and_case_are_dropped() {
        assert_eq!(
            address_of("The Return of the Lynx, and a Wolf"),
            "return-lynx-wolf"
        );
        assert_eq!(
            address_of("One two THREE four five six"),
            "one-two-three-four-five"
        );
        assert_eq!(address_of("Of a..."), "");
    }
}
