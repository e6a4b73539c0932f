//! A whole shift, from the catalog's JSON to the report.

use catalog::Catalog;
use desk::executor::block_on;
use desk::input::CommandLines;
use desk::report::ShiftReport;
use desk::session::Session;
use lending::{Ledger, OpeningDays, Tariff};

const CATALOG: &str = r#"[
    {"isbn": "978-0-14-143958-7", "title": "Emma", "authors": ["Jane Austen"], "subject": "823"},
    {"isbn": "978-0-345-33135-9", "title": "Cosmos", "authors": ["Carl Sagan"], "subject": "523",
     "format": {"kind": "audio", "minutes": 870, "discs": 12}}
]"#;

const COMMANDS: &str = "
    # Monday of the first week
    find austen
    out 978-0-14-143958-7 m1
    out 978-0-345-33135-9 m2
    hold 978-0-345-33135-9 m1
    renew 978-0-345-33135-9

    # three weeks later
    day 24
    back 978-0-345-33135-9
    borrow everything
";

fn shift(commands: &str) -> (Vec<String>, ShiftReport) {
    let catalog = Catalog::from_json(CATALOG).unwrap();
    let ledger = Ledger::new(OpeningDays::closed_on(&[6]), Tariff::default());
    let mut replies = Vec::new();
    let session = Session::new(catalog, ledger);
    let report = block_on(session.run(CommandLines::new(commands), |reply| {
        replies.push(reply.to_string())
    }));
    (replies, report)
}

#[test]
fn an_evening_at_the_desk() {
    let (replies, report) = shift(COMMANDS);
    assert_eq!(
        replies,
        [
            "Emma (Jane Austen)",
            "due Mon of week 4",
            "due Mon of week 3",
            "member 0001 is number 1",
            "sorry: 9780345331359 is held for member 0001",
            "it is Thu of week 4",
            "Cosmos (Carl Sagan): 1.60, keep for member 0001",
            "sorry: no command \"borrow\"",
            "To member 0001:\n  Emma (due Mon of week 4)",
        ]
    );
    assert_eq!(report.fees_cents, 160);
    assert_eq!(
        (report.lent, report.returned, report.refusals.len()),
        (2, 1, 2)
    );
}

#[test]
fn a_quiet_evening() {
    let (replies, report) = shift("# nobody came\n");
    assert!(replies.is_empty());
    assert!(report.is_quiet());
}
