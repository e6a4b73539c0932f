use serde::Deserialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deck {
    CarDeck,
    OpenAir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Berth {
    NorthPier,
    OldHarbour,
}

#[derive(Debug, Deserialize)]
pub struct Call {
    pub berth: Berth,
    pub decks: Vec<Deck>,
    #[serde(default)]
    pub minutes: u32,
}

/// Reads a timetable: a JSON list of calls, every name in it in kebab-case.
pub fn calls_at(berth: Berth, timetable: &str) -> serde_json::Result<Vec<Call>> {
    let mut calls: Vec<Call> = serde_json::from_str(timetable)?;
    calls.retain(|call| call.berth == berth);
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_alike_in_the_whole_timetable() {
        let timetable = r#"[
            {"berth": "old-harbour", "decks": ["open-air"], "minutes": 12},
            {"berth": "north-pier", "decks": ["car-deck", "open-air"]}
        ]"#;
        let calls = calls_at(Berth::NorthPier, timetable).unwrap();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].decks, [Deck::CarDeck, Deck::OpenAir]);
        assert!(calls_at(Berth::NorthPier, r#"[{"berth": "NorthPier", "decks": []}]"#).is_err());
    }
}
