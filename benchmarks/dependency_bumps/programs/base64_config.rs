//! Tokens that are safe in addresses.

#[derive(Debug, PartialEq)]
pub enum TokenError {
    NotBase64,
    NotText,
}

pub fn token_of(user: &str, number: u32) -> String {
    let plain = format!("{user}:{number}");
    base64::encode_config(plain.as_bytes(), base64::URL_SAFE_NO_PAD)
}

pub fn user_of(token: &str) -> Result<String, TokenError> {
    let bytes = base64::decode_config(token, base64::URL_SAFE_NO_PAD).map_err(|_| TokenError::NotBase64)?;
    let plain = String::from_utf8(bytes).map_err(|_| TokenError::NotText)?;
    Ok(plain.split(':').next().unwrap_or_default().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let token = token_of("ann?>", 7);
        assert_eq!(token, "YW5uPz46Nw");
        assert_eq!(user_of(&token).unwrap(), "ann?>");
        assert_eq!(user_of("+++"), Err(TokenError::NotBase64));
    }
}
