use std::collections::BTreeMap;

/// On which pages a word stands, in order.
pub type Index<'book> = BTreeMap<&'book str, Vec<usize>>;

/// Enters the words of one page that are longer than three letters.
pub fn enter<'book>(index: &mut Index<'book>, number: usize, page: &'book str) {
    let words = page.split(|c: char| !c.is_alphabetic());
    for word in words.filter(|word| word.len() > 3) {
        let pages = index.entry(word).or_default();
        if pages.last() != Some(&number) {
            pages.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_named_once() {
        let book = [
            "A heron, a heron!",
            "No birds.",
            "The heron and other birds",
        ];
        let mut index = Index::new();
        for (number, page) in book.iter().enumerate() {
            enter(&mut index, number + 1, page);
        }
        assert_eq!(index["heron"], [1, 3]);
        assert_eq!(index["birds"], [2, 3]);
        assert_eq!(index.len(), 3);
    }
}
