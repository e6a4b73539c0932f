/// The days from `first` up to and without `end`.
#[derive(Clone)]
pub struct Days {
    first: u32,
    end: u32,
}

impl Days {
    pub fn new(first: u32, end: u32) -> Days {
        Days { first, end }
    }
}

impl Iterator for Days {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let day = self.first;
        if day >= self.end {
            return None;
        }
        self.first += 1;
        Some(day)
    }
}

impl DoubleEndedIterator for Days {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_down() {
        let down: Vec<u32> = Days::new(21, 25).rev().collect();
        assert_eq!(down, [24, 23, 22, 21]);
        assert_eq!(Days::new(5, 5).next_back(), None);
    }

    #[test]
    fn both_ends_meet() {
        let mut days = Days::new(1, 4);
        let taken = [days.next_back(), days.next(), days.next_back(), days.next()];
        assert_eq!(taken, [Some(3), Some(1), Some(2), None]);
    }
}
