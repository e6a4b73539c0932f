//! Colours as in style sheets.

use hex::{FromHexError, ToHex};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    pub fn text(&self) -> String {
        let mut text = String::from("#");
        self.0.write_hex(&mut text).expect("a string takes everything");
        text
    }

    pub fn parse(text: &str) -> Result<Colour, FromHexError> {
        let bytes = hex::decode(text.trim_start_matches('#'))?;
        match bytes[..] {
            [red, green, blue] => Ok(Colour([red, green, blue])),
            _ => Err(FromHexError::InvalidStringLength),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let colour = Colour([255, 0, 16]);
        assert_eq!(colour.text(), "#ff0010");
        assert_eq!(Colour::parse("#ff0010").unwrap(), colour);
        assert!(Colour::parse("#ff").is_err());
    }
}
