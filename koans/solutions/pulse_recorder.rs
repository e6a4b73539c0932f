/// The beats of a heart, as milliseconds since the one before.
pub struct Recording {
    gaps: Vec<u32>,
}

impl Recording {
    pub fn new(gaps: Vec<u32>) -> Recording {
        Recording { gaps }
    }

    /// The gaps after the pulse has settled: from the first one of at least `resting` on.
    pub fn settled(&self, resting: u32) -> impl Iterator<Item = u32> + '_ {
        self.gaps
            .iter()
            .copied()
            .skip_while(move |gap| *gap < resting)
    }

    pub fn beats_a_minute(&self, resting: u32) -> Option<u32> {
        let (count, sum) = self
            .settled(resting)
            .fold((0, 0), |(count, sum), gap| (count + 1, sum + gap));
        (count * 60_000u32).checked_div(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_left_out() {
        let recording = Recording::new(vec![400, 550, 1000, 900, 1100]);
        let settled: Vec<u32> = recording.settled(800).collect();
        assert_eq!(settled, [1000, 900, 1100]);
        assert_eq!(recording.beats_a_minute(800), Some(60));
        assert_eq!(recording.beats_a_minute(2000), None);
    }
}
