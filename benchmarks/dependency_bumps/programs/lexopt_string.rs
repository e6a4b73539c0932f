//! The command line of a greeter.

use lexopt::prelude::*;

#[derive(Debug, Default, PartialEq)]
pub struct Options {
    pub name: String,
    pub loud: bool,
}

pub fn options(words: Vec<String>) -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('n') | Long("name") => options.name = parser.value()?.into_string()?,
            Long("loud") => options.loud = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all() {
        let found = options(vec!["--name=ann".to_string(), "--loud".to_string()]).unwrap();
        assert_eq!(found, Options { name: "ann".to_string(), loud: true });
        assert!(options(vec!["--quiet".to_string()]).is_err());
    }
}
