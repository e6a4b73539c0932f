//! Reports about configuration files.

use std::ops::Range;

use ariadne::{Config, Label, Report, ReportKind, Source};

pub fn report(text: &str, place: Range<usize>, message: &str) -> String {
    let mut out = Vec::new();
    Report::build(ReportKind::Error, (), place.start)
        .with_config(Config::default().with_color(false))
        .with_message(message)
        .with_label(Label::new(place).with_message("here"))
        .finish()
        .write(Source::from(text), &mut out)
        .expect("a vector takes everything");
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_place() {
        let text = report("width = ten\n", 8..11, "not a number");
        assert!(text.contains("Error: not a number") && text.contains("width = ten") && text.contains("here"));
    }
}
