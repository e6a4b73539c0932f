//! Headers whose names are read in any case.

use std::collections::HashMap;

use unicase::UniCase;

#[derive(Default)]
pub struct Headers {
    values: HashMap<UniCase<String>, String>,
}

impl Headers {
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(UniCase(name.to_string()), value.to_string());
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&UniCase(name.to_string())).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case() {
        let mut headers = Headers::default();
        headers.set("Content-Length", "3");
        assert_eq!(headers.get("content-length"), Some("3"));
        assert_eq!(headers.get("length"), None);
    }
}
