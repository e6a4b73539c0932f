/// Reads the words of a command line; one word can be put back and is read again.
pub struct WordReader<I> {
    words: I,
    put_back: Option<String>,
}

impl<I: Iterator<Item = String>> WordReader<I> {
    pub fn new(words: I) -> Self {
        WordReader {
            words,
            put_back: None,
        }
    }

    pub fn put_back(&mut self, word: String) {
        self.put_back = Some(word);
    }

    pub fn read(&mut self) -> Option<String> {
        match self.put_back {
            Some(word) => Some(word),
            None => self.words.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_was_put_back_is_read_once_more() {
        let words = "copy here there".split(' ').map(String::from);
        let mut reader = WordReader::new(words);
        let verb = reader.read().expect("there are three words");
        assert_eq!(reader.read().as_deref(), Some("here"));
        reader.put_back(verb);
        assert_eq!(reader.read().as_deref(), Some("copy"));
        assert_eq!(reader.read().as_deref(), Some("there"));
        assert_eq!(reader.read(), None);
    }
}
