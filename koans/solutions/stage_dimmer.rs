/// How bright a lamp over the stage is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// Sent as 0.
    Dark,
    /// Sent as 40.
    Glow,
    /// Sent as it is.
    Exactly(u8),
    /// Sent as 255.
    Full,
}

/// The bytes that set the lamps, after the byte that says how many they are.
pub fn frame(lamps: &[Level]) -> Option<Vec<u8>> {
    let mut bytes = vec![u8::try_from(lamps.len()).ok()?];
    for lamp in lamps {
        bytes.push(match *lamp {
            Level::Dark => 0,
            Level::Glow => 40,
            Level::Exactly(byte) => byte,
            Level::Full => 255,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_sent_as_bytes() {
        let lamps = [Level::Full, Level::Exactly(7), Level::Dark, Level::Glow];
        assert_eq!(frame(&lamps), Some(vec![4, 255, 7, 0, 40]));
        assert_eq!(frame(&[Level::Dark; 300]), None);
    }
}
