//! `desk CATALOG.json COMMANDS.txt`

use std::env;
use std::error::Error;
use std::fs;

use catalog::Catalog;
use desk::executor::block_on;
use desk::input::CommandLines;
use desk::session::Session;
use lending::{Ledger, OpeningDays, Tariff};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(catalog), Some(commands)) = (arguments.next(), arguments.next()) else {
        return Err("usage: desk CATALOG.json COMMANDS.txt".into());
    };
    let catalog = Catalog::from_json(&fs::read_to_string(catalog)?)?;
    let lines = CommandLines::new(&fs::read_to_string(commands)?);
    let ledger = Ledger::new(OpeningDays::closed_on(&[6]), Tariff::default());
    let report = block_on(Session::new(catalog, ledger).run(lines, |reply| println!("{reply}")));
    print!("{report}");
    Ok(())
}
