//! Draws prizes by their weights.

use rand::distributions::{Distribution, WeightedIndex};
use rand::Rng;

#[derive(Debug, Clone, PartialEq)]
pub struct Prize {
    pub name: String,
    pub weight: u32,
}

/// Names of the prizes drawn; none where no prize has a weight.
pub fn draw<R: Rng>(prizes: &[Prize], times: usize, rng: &mut R) -> Vec<String> {
    let Ok(index) = WeightedIndex::new(prizes.iter().map(|prize| prize.weight)) else {
        return Vec::new();
    };
    (0..times).map(|_| prizes[index.sample(rng)].name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn never_draws_what_weighs_nothing() {
        let prizes = [
            Prize { name: "car".to_string(), weight: 0 },
            Prize { name: "pen".to_string(), weight: 3 },
        ];
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        assert!(draw(&prizes, 20, &mut rng).iter().all(|name| name == "pen"));
        assert!(draw(&prizes[..1], 3, &mut rng).is_empty());
    }
}
