//! Random passwords and tokens.

use rand::distributions::Alphanumeric;
use rand::{thread_rng, Rng};

pub struct Policy {
    pub length: usize,
    pub prefix: String,
}

impl Policy {
    pub fn password(&self) -> String {
        let body: String = thread_rng().sample_iter(&Alphanumeric).take(self.length).collect();
        format!("{}{}", self.prefix, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_prefix_and_length() {
        let policy = Policy { length: 12, prefix: "t-".to_string() };
        let password = policy.password();
        assert_eq!(password.len(), 14);
        assert!(password[2..].chars().all(|letter| letter.is_ascii_alphanumeric()));
    }
}
