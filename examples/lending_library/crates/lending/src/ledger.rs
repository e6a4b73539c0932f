//! The loans of the day, and the rules for making and ending them.

use catalog::{Book, Catalog, Isbn};

use crate::calendar::{Day, OpeningDays};
use crate::error::LendingError;
use crate::fees::Tariff;
use crate::holds::Holds;
use crate::loan::{Loan, LoanState, MemberId};

/// Every book that is out.
#[derive(Clone, Debug)]
pub struct Ledger {
    loans: Vec<Loan>,
    holds: Holds,
    opening_days: OpeningDays,
    tariff: Tariff,
}

/// What the member takes home when a book comes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub citation: String,
    pub fee_cents: u64,
    pub next_in_line: Option<MemberId>,
}

/// The overdue loans of a ledger, oldest first.
pub struct OverdueLoans<'l> {
    loans: std::vec::IntoIter<&'l Loan>,
}

impl Iterator for OverdueLoans<'l> {
    type Item = &'l Loan;

    fn next(&mut self) -> Option<&'l Loan> {
        self.loans.next()
    }
}

impl Ledger {
    pub fn new(opening_days: OpeningDays, tariff: Tariff) -> Ledger {
        Ledger {
            loans: Vec::new(),
            holds: Holds::default(),
            opening_days,
            tariff,
        }
    }

    pub fn holds_mut(&mut self) -> &mut Holds {
        &mut self.holds
    }

    /// Lends a book and says when it is due.
    pub fn check_out(
        &mut self,
        catalog: &Catalog,
        isbn: &str,
        member: MemberId,
        today: Day,
    ) -> Result<Day, LendingError> {
        let book = find(catalog, isbn)?;
        if self.loans.iter().any(|loan| *loan.isbn() == book.isbn) {
            return Err(LendingError::AlreadyOut(book.isbn));
        }
        if let Some(first) = self.holds.first(&book.isbn)
            && first != member
        {
            return Err(LendingError::HeldFor {
                isbn: book.isbn.clone(),
                member: first,
            });
        }
        self.holds.fulfil(&book.isbn, member);
        let due = self
            .opening_days
            .next_open(today.plus(book.format.loan_days()));
        self.loans.push(Loan::new(book.isbn.clone(), member, due));
        Ok(due)
    }

    /// Keeps a book for as long again, if nobody waits for it.
    pub fn renew(&mut self, catalog: &Catalog, isbn: &str) -> Result<Day, LendingError> {
        let book = find(catalog, isbn)?;
        if let Some(member) = self.holds.first(&book.isbn) {
            return Err(LendingError::HeldFor {
                isbn: book.isbn.clone(),
                member,
            });
        }
        let loan = self.loan_mut(&book.isbn)?;
        loan.renew(book.format.loan_days())
    }

    /// Takes a book back and says what it costs and who is next.
    pub fn give_back(
        &mut self,
        catalog: &Catalog,
        isbn: &str,
        today: Day,
    ) -> Result<Receipt, LendingError> {
        let book = find(catalog, isbn)?;
        let position = self
            .loans
            .iter()
            .position(|loan| *loan.isbn() == book.isbn)
            .ok_or_else(|| LendingError::NotOut(book.isbn.clone()))?;
        let loan = self.loans.swap_remove(position);
        let fee_cents = self.tariff.fee(&loan, today);
        Ok(Receipt {
            citation: book.citation(),
            fee_cents,
            next_in_line: self.holds.first(loan.isbn()),
        })
    }

    pub fn overdue(&self, today: Day) -> OverdueLoans<'_> {
        let mut loans: Vec<&Loan> = self
            .loans
            .iter()
            .filter(|loan| matches!(loan.state(today), LoanState::Overdue { .. }))
            .collect();
        loans.sort_by_key(|loan| loan.due());
        OverdueLoans {
            loans: loans.into_iter(),
        }
    }

    fn loan_mut(&mut self, isbn: &Isbn) -> Result<&mut Loan, LendingError> {
        self.loans
            .iter_mut()
            .find(|loan| loan.isbn() == isbn)
            .ok_or_else(|| LendingError::NotOut(isbn.clone()))
    }
}

fn find<'c>(catalog: &'c Catalog, isbn: &str) -> Result<&'c Book, LendingError> {
    let isbn: Isbn = isbn.parse()?;
    match catalog.get(&isbn) {
        Some(book) => Ok(book),
        None => Err(LendingError::NotInCatalog(isbn)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMMA: &str = "978-0-14-143958-7";
    const COSMOS: &str = "978-0-345-33135-9";

    fn catalog() -> Catalog {
        Catalog::from_json(
            r#"[{"isbn": "978-0-14-143958-7", "title": "Emma", "authors": ["Jane Austen"], "subject": "823"},
                {"isbn": "978-0-345-33135-9", "title": "Cosmos", "authors": ["Carl Sagan"], "subject": "523",
                 "format": {"kind": "audio", "minutes": 870, "discs": 12}}]"#,
        )
        .unwrap()
    }

    fn ledger() -> Ledger {
        Ledger::new(OpeningDays::closed_on(&[6]), Tariff::default())
    }

    #[test]
    fn a_due_day_is_never_a_closed_day() {
        let due = ledger().check_out(&catalog(), EMMA, MemberId(1), Day::new(6));
        assert_eq!(due, Ok(Day::new(28)));
    }

    #[test]
    fn a_late_return_costs_and_names_the_next_member() {
        let (catalog, mut ledger) = (catalog(), ledger());
        ledger
            .check_out(&catalog, COSMOS, MemberId(1), Day::new(0))
            .unwrap();
        ledger
            .holds_mut()
            .place(&COSMOS.parse().unwrap(), MemberId(2));
        let receipt = ledger.give_back(&catalog, COSMOS, Day::new(20)).unwrap();
        assert_eq!(receipt.citation, "Cosmos (Carl Sagan)");
        assert_eq!(receipt.fee_cents, 80);
        assert_eq!(receipt.next_in_line, Some(MemberId(2)));
        let refused = ledger.check_out(&catalog, COSMOS, MemberId(1), Day::new(20));
        assert!(matches!(
            refused,
            Err(LendingError::HeldFor {
                member: MemberId(2),
                ..
            })
        ));
    }

    #[test]
    fn overdue_loans_come_oldest_first() {
        let (catalog, mut ledger) = (catalog(), ledger());
        ledger
            .check_out(&catalog, EMMA, MemberId(1), Day::new(0))
            .unwrap();
        ledger
            .check_out(&catalog, COSMOS, MemberId(2), Day::new(0))
            .unwrap();
        ledger.renew(&catalog, COSMOS).unwrap();
        let members: Vec<MemberId> = ledger.overdue(Day::new(40)).map(Loan::member).collect();
        assert_eq!(members, [MemberId(1), MemberId(2)]);
        assert_eq!(ledger.overdue(Day::new(25)).count(), 1);
    }
}
