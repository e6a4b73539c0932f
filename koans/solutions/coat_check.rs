use std::collections::HashMap;

#[derive(Debug, PartialEq)]
pub enum CoatError {
    NotANumber(String),
    NoSuchCoat(u32),
}

/// The coats of a theatre's cloakroom by the numbers of their tokens.
#[derive(Default)]
pub struct Cloakroom {
    coats: HashMap<u32, String>,
}

impl Cloakroom {
    pub fn leave(&mut self, token: u32, coat: &str) {
        self.coats.insert(token, coat.to_string());
    }

    /// Hands out the coat for a token, which is then no longer here.
    pub fn fetch(&mut self, token: &str) -> Result<String, CoatError> {
        let number: u32 = token
            .parse()
            .map_err(|_| CoatError::NotANumber(token.to_string()))?;
        self.coats
            .remove(&number)
            .ok_or(CoatError::NoSuchCoat(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coat_is_handed_out_once() {
        let mut room = Cloakroom::default();
        room.leave(31, "green parka");
        assert_eq!(room.fetch("31"), Ok("green parka".to_string()));
        assert_eq!(room.fetch("31"), Err(CoatError::NoSuchCoat(31)));
    }

    #[test]
    fn a_torn_token_says_so() {
        let torn = CoatError::NotANumber("3?".to_string());
        assert_eq!(Cloakroom::default().fetch("3?"), Err(torn));
    }
}
