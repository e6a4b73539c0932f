/// Says which parcels a customs officer opens.
pub trait Rule {
    fn opens(&self, grams: u32) -> bool;

    /// How many of the parcels are opened.
    fn count<I: IntoIterator<Item = u32>>(&self, parcels: I) -> usize {
        parcels
            .into_iter()
            .filter(|grams| self.opens(*grams))
            .count()
    }
}

pub struct HeavierThan(pub u32);

impl Rule for HeavierThan {
    fn opens(&self, grams: u32) -> bool {
        grams > self.0
    }
}

/// Opens what every one of its rules would open.
pub struct Every(pub Vec<Box<dyn Rule>>);

impl Rule for Every {
    fn opens(&self, grams: u32) -> bool {
        self.0.iter().all(|rule| rule.opens(grams))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct LighterThan(u32);

    impl Rule for LighterThan {
        fn opens(&self, grams: u32) -> bool {
            grams < self.0
        }
    }

    #[test]
    fn rules_of_different_kinds_work_together() {
        let both = Every(vec![Box::new(HeavierThan(500)), Box::new(LighterThan(600))]);
        assert_eq!(both.count([480, 501, 502, 900]), 2);
        assert_eq!(HeavierThan(500).count(vec![480, 501, 502]), 2);
    }
}
