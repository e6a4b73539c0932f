//! Days, and which of them the library is open on.

use std::fmt;

/// A day, counted from Monday of the library's first week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

/// The weekdays on which a book can be given back (0 is Monday).
#[derive(Clone, Debug)]
pub struct OpeningDays {
    closed_on: Vec<u32>,
}

impl Day {
    pub const fn new(number: u32) -> Day {
        Day(number)
    }

    pub fn plus(self, days: u32) -> Day {
        Day(self.0 + days)
    }

    /// Days from `earlier` to `self`, none where it lies ahead.
    pub fn since(self, earlier: Day) -> u32 {
        self.0.saturating_sub(earlier.0)
    }

    fn weekday(self) -> u32 {
        self.0 % 7
    }
}

impl OpeningDays {
    pub fn closed_on(weekdays: &[u32]) -> OpeningDays {
        OpeningDays {
            closed_on: weekdays.to_vec(),
        }
    }

    /// The first open day from `day` on. A library that never opens is open every day.
    pub fn next_open(&self, day: Day) -> Day {
        let mut candidate = day;
        for _ in 0..7 {
            if !self.closed_on.contains(&candidate.weekday()) {
                return candidate;
            }
            candidate = candidate.plus(1);
        }
        day
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        write!(
            f,
            "{} of week {}",
            NAMES[self.weekday() as usize],
            self.0 / 7 + 1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_days_are_skipped() {
        let weekends_off = OpeningDays::closed_on(&[5, 6]);
        assert_eq!(weekends_off.next_open(Day::new(4)), Day::new(4));
        assert_eq!(weekends_off.next_open(Day::new(5)), Day::new(7));
    }

    #[test]
    fn days_read_well() {
        assert_eq!(Day::new(9).to_string(), "Wed of week 2");
    }
}
