//! Moves money between accounts.

use hashbrown::HashMap;

#[derive(Default)]
pub struct Bank {
    accounts: HashMap<String, i64>,
}

impl Bank {
    pub fn open(&mut self, owner: &str, amount: i64) {
        self.accounts.insert(owner.to_string(), amount);
    }

    pub fn transfer(&mut self, from: &str, to: &str, amount: i64) -> bool {
        match self.accounts.get_many_mut([from, to]) {
            Some([giver, taker]) if *giver >= amount => {
                *giver -= amount;
                *taker += amount;
                true
            }
            _ => false,
        }
    }

    pub fn amount(&self, owner: &str) -> Option<i64> {
        self.accounts.get(owner).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers() {
        let mut bank = Bank::default();
        bank.open("ann", 10);
        bank.open("bob", 0);
        assert!(bank.transfer("ann", "bob", 4));
        assert!(!bank.transfer("ann", "bob", 40));
        assert!(!bank.transfer("ann", "eve", 1));
        assert_eq!((bank.amount("ann"), bank.amount("bob")), (Some(6), Some(4)));
    }
}
