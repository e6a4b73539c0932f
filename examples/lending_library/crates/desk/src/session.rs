//! A shift: commands in, answers out, a report at the end.

use catalog::{Catalog, Query};
use lending::{Day, Ledger, notices};

use crate::command::Command;
use crate::input::CommandLines;
use crate::report::{ShiftReport, money};

pub struct Session {
    catalog: Catalog,
    ledger: Ledger,
    today: Day,
    report: ShiftReport,
}

impl Session {
    pub fn new(catalog: Catalog, ledger: Ledger) -> Session {
        Session {
            catalog,
            ledger,
            today: Day::new(0),
            report: ShiftReport::default(),
        }
    }

    /// Works through all commands; `answer` hears the reply to each.
    pub async fn run(
        mut self,
        mut lines: CommandLines,
        mut answer: impl FnMut(&str),
    ) -> ShiftReport {
        while let Some(line) = lines.next_line() {
            let reply = match self.perform(&line) {
                Ok(reply) => reply,
                Err(error) => {
                    self.report.refuse(error);
                    format!("sorry: {error}")
                }
            };
            answer(&reply);
        }
        for letter in notices(&self.ledger, &self.catalog, self.today) {
            answer(&letter);
        }
        self.report
    }

    fn perform(&mut self, line: &str) -> Result<String, Box<dyn std::error::Error>> {
        let command = Command::parse(line)?;
        let reply = match command {
            Command::Day(day) => {
                self.today = day;
                format!("it is {day}")
            }
            Command::Out { isbn, member } => {
                let due = self
                    .ledger
                    .check_out(&self.catalog, &isbn, member, self.today)?;
                self.report.lent += 1;
                format!("due {due}")
            }
            Command::Back { isbn } => {
                let receipt = self.ledger.give_back(&self.catalog, &isbn, self.today)?;
                self.report.returned += 1;
                self.report.fees_cents += receipt.fee_cents;
                let mut reply = format!("{}: {}", receipt.citation, money(receipt.fee_cents));
                if let Some(member) = receipt.next_in_line {
                    reply.push_str(&format!(", keep for {member}"));
                }
                reply
            }
            Command::Renew { isbn } => {
                let due = self.ledger.renew(&self.catalog, &isbn)?;
                format!("now due {due}")
            }
            Command::Hold { isbn, member } => {
                let place = self.ledger.holds_mut().place(&isbn.parse()?, member);
                format!("{member} is number {place}")
            }
            Command::Find(text) => self.find(text),
        };
        reply
    }

    fn find(&self, text: &str) -> String {
        let query = Query::parse(text);
        let found: Vec<String> = self
            .catalog
            .search(&query)
            .map(|book| book.citation())
            .collect();
        match found.as_slice() {
            [] => "nothing found".to_string(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        }
    }
}
