use serde::Serialize;
use std::collections::HashMap;

/// Widths of letters, measured once.
#[derive(Debug, Default)]
struct Measured(HashMap<char, usize>);

impl Measured {
    fn width(&mut self, text: &str) -> usize {
        text.chars()
            .map(|letter| *self.0.entry(letter).or_insert(1 + letter.len_utf8()))
            .sum()
    }
}

#[derive(Debug, Default, Serialize)]
pub struct Slide {
    pub title: String,
    pub notes: Vec<String>,
    measured: Measured,
}

impl Slide {
    pub fn fits(&mut self, room: usize) -> bool {
        self.measured.width(&self.title) <= room
    }
}

pub fn export(slides: &[Slide]) -> serde_json::Result<String> {
    serde_json::to_string(slides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_no_part_of_the_file() {
        let mut slide = Slide {
            title: "Dams".to_string(),
            ..Slide::default()
        };
        assert!(slide.fits(8) && !slide.fits(7));
        assert_eq!(
            export(&[slide]).unwrap(),
            r#"[{"title":"Dams","notes":[]}]"#
        );
    }
}
