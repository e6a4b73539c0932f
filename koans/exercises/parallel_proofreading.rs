use std::thread;

/// What a proofreader looks for.
pub struct Checklist {
    pub forbidden: Vec<String>,
}

impl Checklist {
    fn complaints(&self, page: &str) -> usize {
        self.forbidden
            .iter()
            .map(|word| page.matches(word.as_str()).count())
            .sum()
    }

    /// The complaints of each page, found by one thread a page.
    pub fn proofread(&self, pages: &[String]) -> Vec<usize> {
        let mut readers = Vec::new();
        for page in pages {
            readers.push(thread::spawn(move || self.complaints(page)));
        }
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_read_in_its_place() {
        let checklist = Checklist {
            forbidden: vec!["very".to_string(), "utilise".to_string()],
        };
        let pages = ["very, very good", "short", "utilise it"].map(String::from);
        assert_eq!(checklist.proofread(&pages), [2, 0, 1]);
        assert_eq!(checklist.proofread(&[]), []);
    }
}
