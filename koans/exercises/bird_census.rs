use std::collections::HashMap;

/// Counts what was seen, whatever kind of thing that is.
pub struct Census<T> {
    seen: HashMap<T, u32>,
}

impl<T: Eq> Census<T> {
    pub fn of(sightings: impl IntoIterator<Item = T>) -> Self {
        let mut seen = HashMap::new();
        for sighting in sightings {
            *seen.entry(sighting).or_default() += 1;
        }
        Census { seen }
    }

    pub fn kinds(&self) -> usize {
        self.seen.len()
    }

    /// How many were seen exactly once.
    pub fn single(&self) -> usize {
        self.seen.values().filter(|count| **count == 1).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_single_sightings_are_counted() {
        let census = Census::of(["wren", "robin", "wren", "kite", "wren"]);
        assert_eq!(census.kinds(), 3);
        assert_eq!(census.single(), 2);
        assert_eq!(Census::of(Vec::<(u8, char)>::new()).kinds(), 0);
    }
}
