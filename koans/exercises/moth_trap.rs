/// A moth that came to the light, as it was written down.
pub struct Sighting {
    pub species: String,
    pub hour: u8,
}

/// How many species came in the night; the case of a name says nothing.
pub fn diversity(sightings: &[Sighting]) -> usize {
    let names = sightings
        .iter()
        .map(|sighting| sighting.species.trim().to_lowercase())
        .collect();
    names.len()
}

/// The species that came before midnight, for the morning's mail.
pub fn early(sightings: &[Sighting]) -> Vec<&str> {
    let before = sightings.iter().filter(|sighting| sighting.hour > 12);
    before.map(|sighting| sighting.species.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(species: &str, hour: u8) -> Sighting {
        Sighting {
            species: species.to_string(),
            hour,
        }
    }

    #[test]
    fn species_are_counted_once() {
        let night = [
            sighting("Garden tiger", 22),
            sighting("ghost", 23),
            sighting("Garden Tiger ", 1),
        ];
        assert_eq!(diversity(&night), 2);
        assert_eq!(early(&night), ["Garden tiger", "ghost"]);
    }
}
