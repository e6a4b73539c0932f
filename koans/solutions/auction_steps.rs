/// The smallest bid that is taken after `highest`.
fn least_bid(highest: Option<u32>, reserve: u32, step: u32) -> u32 {
    match highest {
        None => reserve / 2,
        Some(bid) if bid < reserve => (bid + 2 * step).min(reserve),
        Some(bid) => bid + step,
    }
}

pub struct Lot {
    pub reserve: u32,
    pub bids: Vec<u32>,
}

impl Lot {
    /// Takes the bid if it is high enough, and says whether it did.
    pub fn bid(&mut self, amount: u32) -> bool {
        let step = if self.reserve < 1000 { 10 } else { 50 };
        let highest = self.bids.last().copied();
        let accepted = amount >= least_bid(highest, self.reserve, step);
        if accepted {
            self.bids.push(amount);
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_double_below_the_reserve() {
        let mut lot = Lot {
            reserve: 200,
            bids: Vec::new(),
        };
        let taken = [99, 100, 119, 120, 190, 200, 209, 210].map(|amount| lot.bid(amount));
        assert_eq!(taken, [false, true, false, true, true, true, false, true]);
        assert_eq!(lot.bids, [100, 120, 190, 200, 210]);
    }
}
