use serde::Serialize;
use std::collections::BTreeMap;

/// The last value under each name, as JSON.
#[derive(Default)]
pub struct Shelf {
    texts: BTreeMap<String, String>,
}

impl Shelf {
    pub fn put<T: Serialize>(&mut self, name: &str, value: &T) -> serde_json::Result<()> {
        let text = serde_json::to_string(value)?;
        self.texts.insert(name.to_lowercase(), text);
        Ok(())
    }

    /// Names are found however they are written; what does not fit `T` is as good as not there.
    pub fn get<T>(&self, name: &str) -> Option<T> {
        let text = self.texts.get(&name.to_lowercase())?.clone();
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_there_is_found_under_any_spelling() {
        let mut shelf = Shelf::default();
        shelf.put("Reverb", &(3u8, "hall")).unwrap();
        shelf.put("reverb", &vec![0.25, 0.5]).unwrap();
        assert_eq!(shelf.get("REVERB"), Some(vec![0.25, 0.5]));
        assert_eq!(shelf.get::<String>("reverb"), None);
        assert_eq!(shelf.get::<u8>("echo"), None);
    }
}
