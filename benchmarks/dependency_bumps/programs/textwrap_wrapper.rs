//! Help texts, as wide as the terminal.

use textwrap::Wrapper;

pub struct Entry {
    pub option: &'static str,
    pub about: &'static str,
}

pub fn help(entries: &[Entry], width: usize) -> String {
    let wrapper = Wrapper::new(width).initial_indent("    ").subsequent_indent("    ");
    let mut text = String::new();
    for entry in entries {
        text.push_str(entry.option);
        text.push('\n');
        text.push_str(&wrapper.fill(entry.about));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_what_is_too_long() {
        let text = help(&[Entry { option: "--all", about: "shows one and two and three" }], 20);
        assert_eq!(text, "--all\n    shows one and\n    two and three\n");
    }
}
