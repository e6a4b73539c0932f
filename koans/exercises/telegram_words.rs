/// Cuts a telegram into pieces that are paid for: words, long ones in parts of ten letters.
pub struct Pieces<'t> {
    rest: &'t str,
}

impl<'t> Pieces<'t> {
    pub fn new(telegram: &'t str) -> Self {
        Pieces { rest: telegram }
    }
}

impl<'t> Iterator for Pieces<'_> {
    type Item = &'t str;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.trim_start();
        let word = text.split(' ').next().filter(|word| !word.is_empty())?;
        let end = word
            .char_indices()
            .nth(10)
            .map_or(word.len(), |(end, _)| end);
        let (piece, rest) = text.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_paid_for_twice() {
        let telegram = String::from("arriving  Gloucestershire noon");
        let mut pieces = Pieces::new(&telegram);
        let first = pieces.next();
        let rest: Vec<&str> = pieces.collect();
        assert_eq!(first, Some("arriving"));
        assert_eq!(rest, ["Gloucester", "shire", "noon"]);
        assert_eq!(Pieces::new("  ").count(), 0);
    }
}
