//! Chooses and shuffles songs.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::SeedableRng;

pub struct Player {
    songs: Vec<String>,
    rng: StdRng,
}

impl Player {
    pub fn new(songs: Vec<String>, seed: u64) -> Self {
        Player { songs, rng: StdRng::seed_from_u64(seed) }
    }

    pub fn next_song(&mut self) -> Option<&String> {
        self.songs.choose(&mut self.rng)
    }

    pub fn shuffled(&mut self) -> Vec<String> {
        let mut order = self.songs.clone();
        order.shuffle(&mut self.rng);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plays_only_what_is_there() {
        let mut player = Player::new(vec!["a".into(), "b".into()], 1);
        assert!(["a", "b"].contains(&player.next_song().unwrap().as_str()));
        let mut order = player.shuffled();
        order.sort();
        assert_eq!(order, ["a", "b"]);
        assert!(Player::new(Vec::new(), 1).next_song().is_none());
    }
}
