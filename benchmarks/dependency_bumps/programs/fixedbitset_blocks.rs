//! Seats of a theatre, saved as numbers.

use fixedbitset::FixedBitSet;

pub struct Seats {
    taken: FixedBitSet,
}

impl Seats {
    pub fn new(count: usize) -> Seats {
        Seats { taken: FixedBitSet::with_capacity(count) }
    }

    pub fn take(&mut self, seat: usize) -> bool {
        !self.taken.put(seat)
    }

    pub fn saved(&self) -> Vec<u32> {
        self.taken.as_slice().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_taken_once() {
        let mut seats = Seats::new(20);
        assert!(seats.take(3));
        assert!(!seats.take(3));
        assert_eq!(seats.saved()[0], 8);
    }
}
