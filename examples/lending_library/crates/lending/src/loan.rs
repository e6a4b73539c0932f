//! One book, out with one member.

use std::fmt;

use catalog::Isbn;

use crate::calendar::Day;
use crate::error::LendingError;

const MAXIMUM_RENEWALS: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

#[derive(Clone, Debug, PartialEq)]
pub struct Loan {
    isbn: Isbn,
    member: MemberId,
    due: Day,
    renewals: u8,
}

/// How a loan stands on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoanState {
    DueIn { days: u32 },
    DueToday,
    Overdue { days: u32, renewals: u8 },
}

impl Loan {
    pub fn new(isbn: Isbn, member: MemberId, due: Day) -> Loan {
        Loan {
            isbn,
            member,
            due,
            renewals: 0,
        }
    }

    pub fn isbn(&self) -> &Isbn {
        &self.isbn
    }

    pub fn member(&self) -> MemberId {
        self.member
    }

    pub fn due(&self) -> Day {
        self.due
    }

    pub fn state(&self, today: Day) -> LoanState {
        match (today.since(self.due), self.due.since(today)) {
            (0, 0) => LoanState::DueToday,
            (0, days) => LoanState::DueIn { days },
            (days, _) => LoanState::Overdue {
                days,
                renewals: self.renewals,
            },
        }
    }

    /// Keeps the book for `days` more, which a member may do twice.
    pub fn renew(&mut self, days: u32) -> Result<Day, LendingError> {
        if self.renewals >= MAXIMUM_RENEWALS {
            return Err(LendingError::TooManyRenewals(MAXIMUM_RENEWALS));
        }
        self.renewals += 1;
        self.due = self.due.plus(days);
        Ok(self.due)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {:04}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_renewals_and_no_more() {
        let isbn = "9780141439518".parse().unwrap();
        let mut loan = Loan::new(isbn, MemberId(7), Day::new(10));
        assert_eq!(loan.renew(21), Ok(Day::new(31)));
        assert_eq!(loan.renew(21), Ok(Day::new(52)));
        assert_eq!(loan.renew(21), Err(LendingError::TooManyRenewals(2)));
        assert_eq!(
            loan.state(Day::new(55)),
            LoanState::Overdue {
                days: 3,
                renewals: 2
            }
        );
    }
}
