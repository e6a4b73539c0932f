//! Settings of a server.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq)]
pub struct Settings {
    pub address: String,
    #[serde(default)]
    pub limits: BTreeMap<String, u32>,
}

#[derive(Debug)]
pub enum SettingsError {
    Unreadable(toml::de::Error),
    NoAddress,
}

impl From<toml::de::Error> for SettingsError {
    fn from(error: toml::de::Error) -> Self {
        SettingsError::Unreadable(error)
    }
}

pub fn read_settings(content: &str) -> Result<Settings, SettingsError> {
    let settings: Settings = toml::from_slice(content.as_bytes())?;
    if settings.address.is_empty() {
        return Err(SettingsError::NoAddress);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let settings = read_settings("address = 'here'\n[limits]\nusers = 3\n").unwrap();
        assert_eq!((settings.address.as_str(), settings.limits["users"]), ("here", 3));
        assert!(matches!(read_settings("address = ''"), Err(SettingsError::NoAddress)));
        assert!(matches!(read_settings("address"), Err(SettingsError::Unreadable(_))));
    }
}
