use std::collections::{BTreeSet, HashMap};

/// When trams leave, in minutes after midnight, by the name of the stop.
#[derive(Default)]
pub struct Departures {
    stops: HashMap<String, BTreeSet<u32>>,
}

impl Departures {
    pub fn add(&mut self, stop: &str, minute: u32) {
        self.stops
            .entry(stop.to_string())
            .or_default()
            .insert(minute);
    }

    /// How many trams still leave from a stop, from `now` on; none where no tram ever stops.
    pub fn left_today(&self, stop: &str, now: u32) -> usize {
        self.stops
            .get(stop)
            .map_or(0, |minutes| minutes.range(now..).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_later_trams_count() {
        let mut departures = Departures::default();
        for minute in [300, 615, 930] {
            departures.add("Mill Lane", minute);
        }
        assert_eq!(departures.left_today("Mill Lane", 615), 2);
        assert_eq!(departures.left_today("Mill Lane", 931), 0);
        assert_eq!(departures.left_today("Harbour", 0), 0);
    }
}
