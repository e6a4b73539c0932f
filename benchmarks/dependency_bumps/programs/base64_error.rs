//! Reads attachments and says what is wrong with them.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};

pub fn attachment(encoded: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(encoded.trim()).map_err(|error| explain(&error))
}

fn explain(error: &DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(position, byte) => format!("byte {byte:#x} at {position}"),
        DecodeError::InvalidLength => "cut off".to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_explains() {
        assert_eq!(attachment(" aGk= ").unwrap(), b"hi");
        assert_eq!(attachment("aG!=").unwrap_err(), "byte 0x21 at 2");
        assert_eq!(attachment("aGlqa").unwrap_err(), "cut off");
    }
}
