//! What is printed when the doors close.

use std::fmt;

/// The figures of a shift.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShiftReport {
    pub lent: u32,
    pub returned: u32,
    pub fees_cents: u64,
    pub refusals: Vec<String>,
}

impl ShiftReport {
    pub fn refuse(&mut self, reason: impl fmt::Display) {
        self.refusals.push(reason.to_string());
    }

    /// Whether anything happened at all.
    pub fn is_quiet(&self) -> bool {
        self.lent == 0 && self.returned == 0 && self.refusals.is_empty()
    }
}

/// Cents as people write them.
pub fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl fmt::Display for ShiftReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_quiet() {
            return writeln!(f, "A quiet evening.");
        }
        writeln!(
            f,
            "{} out, {} back, {} in fees",
            self.lent,
            self.returned,
            money(self.fees_cents)
        )?;
        for (index, reason) in self.refusals.iter().enumerate() {
            writeln!(f, "refused {}: {reason}", index + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_until_something_happens() {
        let mut report = ShiftReport::default();
        assert_eq!(report.to_string(), "A quiet evening.\n");
        report.refuse("closed");
        assert_eq!(
            report.to_string(),
            "0 out, 0 back, 0.00 in fees\nrefused 1: closed\n"
        );
    }
}
