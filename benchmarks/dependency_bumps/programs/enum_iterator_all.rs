//! Days on which a shop is open.

use enum_iterator::IntoEnumIterator;

#[derive(Debug, Clone, Copy, PartialEq, IntoEnumIterator)]
pub enum Day {
    Monday,
    Friday,
    Sunday,
}

impl Day {
    pub fn is_open(self) -> bool {
        self != Day::Sunday
    }
}

pub fn open_days() -> Vec<Day> {
    Day::into_enum_iter().filter(|day| day.is_open()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_on_sundays() {
        assert_eq!(open_days(), [Day::Monday, Day::Friday]);
    }
}
