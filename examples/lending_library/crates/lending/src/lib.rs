//! Who has which book, until when, and what it costs to forget.

mod calendar;
mod error;
mod fees;
mod holds;
mod ledger;
mod loan;
mod notices;

pub use calendar::{Day, OpeningDays};
pub use error::LendingError;
pub use fees::Tariff;
pub use holds::Holds;
pub use ledger::{Ledger, Receipt};
pub use loan::{Loan, LoanState, MemberId};
pub use notices::notices;
