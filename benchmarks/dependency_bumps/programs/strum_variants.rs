//! Commands of a shell.

use std::str::FromStr;

use strum_macros::{EnumString, EnumVariantNames};

#[derive(Debug, PartialEq, EnumString, EnumVariantNames)]
#[strum(serialize_all = "kebab_case")]
pub enum Command {
    ListAll,
    Quit,
}

pub fn help() -> String {
    format!("commands: {}", Command::variants().join(", "))
}

pub fn parse(line: &str) -> Option<Command> {
    Command::from_str(line.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(help(), "commands: list-all, quit");
        assert_eq!(parse(" quit\n"), Some(Command::Quit));
        assert_eq!(parse("run"), None);
    }
}
