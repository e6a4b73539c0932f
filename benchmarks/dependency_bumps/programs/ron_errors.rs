//! Levels of a game, in text files.

use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub name: String,
    pub enemies: Vec<u8>,
}

#[derive(Debug)]
pub enum LevelError {
    Format(ron::Error),
    NoEnemies,
}

pub fn load(text: &str) -> Result<Level, LevelError> {
    let level: Level = ron::from_str(text).map_err(LevelError::Format)?;
    if level.enemies.is_empty() {
        return Err(LevelError::NoEnemies);
    }
    Ok(level)
}

pub fn save(level: &Level) -> Result<String, ron::Error> {
    ron::ser::to_string_pretty(level, PrettyConfig::new().depth_limit(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let level = Level { name: "cave".to_string(), enemies: vec![1, 2] };
        assert_eq!(load(&save(&level).unwrap()).unwrap(), level);
        assert!(matches!(load("(name: \"a\", enemies: [])"), Err(LevelError::NoEnemies)));
        assert!(matches!(load("("), Err(LevelError::Format(_))));
    }
}
