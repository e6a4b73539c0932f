//! Dice for a board game.

use rand::Rng;

/// A throw of several dice with the same number of sides.
pub fn throw(rng: &mut impl Rng, dice: usize, sides: u32) -> Vec<u32> {
    (0..dice).map(|_| rng.gen_range(1, sides + 1)).collect()
}

/// A point on the board, `width` by `height` fields.
pub fn random_field(rng: &mut impl Rng, width: i32, height: i32) -> (i32, i32) {
    let column = rng.gen_range(0, width);
    let row = rng.gen_range(0, height);
    (column, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_range() {
        let mut rng = rand::thread_rng();
        assert!(throw(&mut rng, 50, 6).iter().all(|eyes| (1..=6).contains(eyes)));
        let (column, row) = random_field(&mut rng, 3, 1);
        assert!((0..3).contains(&column) && row == 0);
    }
}
