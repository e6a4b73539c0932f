//! What an overdue book costs.

use crate::Day;
use crate::loan::{Loan, LoanState};

/// Cents a day, up to a limit, after some days of grace.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    pub cents_a_day: u32,
    pub grace_days: u32,
    pub limit_cents: u64,
}

impl Default for Tariff {
    fn default() -> Tariff {
        Tariff {
            cents_a_day: 20,
            grace_days: 2,
            limit_cents: 1_500,
        }
    }
}

impl Tariff {
    /// The fee for a loan given back on `today`.
    pub fn fee(&self, loan: &Loan, today: Day) -> u64 {
        match loan.state(today) {
            LoanState::DueIn { .. } | LoanState::DueToday => 0,
            LoanState::Overdue { days, renewals } => {
                let charged_days = days.saturating_sub(self.grace_days);
                let cents: u64 = u64::from(charged_days) * u64::from(self.cents_a_day);
                cents.min(self.limit_cents)
            }
        }
    }

    /// A function that prices whole days, for tables and signs.
    pub fn price_list(&self) -> impl Fn(u32) -> u64 + use<> {
        let cents_a_day = u64::from(self.cents_a_day);
        let limit = self.limit_cents;
        |days| (cents_a_day * u64::from(days)).min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loan::MemberId;

    #[test]
    fn grace_then_daily_then_the_limit() {
        let loan = Loan::new("9780141439518".parse().unwrap(), MemberId(1), Day::new(100));
        let tariff = Tariff::default();
        assert_eq!(tariff.fee(&loan, Day::new(102)), 0);
        assert_eq!(tariff.fee(&loan, Day::new(105)), 60);
        assert_eq!(tariff.fee(&loan, Day::new(500)), 1_500);
    }

    #[test]
    fn the_price_list_outlives_its_tariff() {
        let price = Tariff::default().price_list();
        assert_eq!((price(1), price(1_000)), (20, 1_500));
    }
}
