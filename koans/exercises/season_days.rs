const LENGTHS: [u16; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The days of the year that are over when a month begins, January first.
const BEFORE: [u16; 12] = {
    let mut before = [0; 12];
    let mut month = 0;
    while month < 12 {
        before[month + 1] = before[month] + LENGTHS[month];
        month += 1;
    }
    before
};

/// The number of a day in a year that is no leap year; `None` if there is no such day.
pub fn day_of_year(day: u16, month: usize) -> Option<u16> {
    let index = month.checked_sub(1)?;
    let length = *LENGTHS.get(index)?;
    (1..=length).contains(&day).then(|| BEFORE[index] + day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbered() {
        assert_eq!(day_of_year(1, 1), Some(1));
        assert_eq!(day_of_year(1, 3), Some(60));
        assert_eq!(day_of_year(31, 12), Some(365));
        assert_eq!(
            [(29, 2), (1, 13), (0, 5)].map(|(d, m)| day_of_year(d, m)),
            [None; 3]
        );
    }
}
