//! Reads a port from a text.

use snafu::{ensure, ResultExt, Snafu};

#[derive(Debug, Snafu)]
pub enum PortError {
    #[snafu(display("{} is not a number: {}", text, source))]
    NotANumber { text: String, source: std::num::ParseIntError },
    #[snafu(display("port {} is reserved", port))]
    Reserved { port: u16 },
}

pub fn port(text: &str) -> Result<u16, PortError> {
    let port = text.trim().parse::<u16>().context(NotANumber { text })?;
    ensure!(port >= 1024, Reserved { port });
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        assert_eq!(port(" 8080 ").unwrap(), 8080);
        assert_eq!(port("80").unwrap_err().to_string(), "port 80 is reserved");
        assert!(port("x").unwrap_err().to_string().starts_with("x is not a number"));
    }
}
