//! The command line of a converter.

use std::ffi::OsString;

use pico_args::Arguments;

#[derive(Debug, PartialEq)]
pub struct Options {
    pub verbose: bool,
    pub width: Option<u32>,
    pub files: Vec<String>,
}

pub fn options(arguments: Vec<OsString>) -> Result<Options, pico_args::Error> {
    let mut arguments = Arguments::from_vec(arguments);
    let verbose = arguments.contains(["-v", "--verbose"]);
    let width = arguments.opt_value_from_str("--width")?;
    let files = arguments.free()?;
    Ok(Options { verbose, width, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all() {
        let words = ["--width", "30", "a.txt", "-v", "b.txt"].map(OsString::from);
        let found = options(words.to_vec()).unwrap();
        let files = vec!["a.txt".to_string(), "b.txt".to_string()];
        assert_eq!(found, Options { verbose: true, width: Some(30), files });
        assert!(options(vec!["--width".into(), "x".into()]).is_err());
    }
}
