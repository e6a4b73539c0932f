//! When entries of a diary were written.

use time::OffsetDateTime;

pub struct Entry {
    pub seconds: i64,
    pub text: String,
}

impl Entry {
    pub fn heading(&self) -> String {
        let written = OffsetDateTime::from_unix_timestamp(self.seconds);
        format!("{:04}-{:02}-{:02}: {}", written.year(), written.month(), written.day(), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heading_has_the_day() {
        let entry = Entry { seconds: 86_400 * 31, text: "snow".to_string() };
        assert_eq!(entry.heading(), "1970-02-01: snow");
    }
}
