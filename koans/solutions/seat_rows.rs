#[derive(Debug, Clone, PartialEq)]
pub enum Seat {
    Free,
    Taken { by: String },
}

/// One row of a small cinema, with seats counted from the left.
pub struct Row {
    seats: Vec<Seat>,
}

impl Row {
    pub fn empty(width: usize) -> Self {
        Row {
            seats: vec![Seat::Free; width],
        }
    }

    /// Takes the first place where `guests` can sit side by side.
    pub fn reserve(&mut self, guests: &[&str]) -> Option<usize> {
        let start = self
            .seats
            .windows(guests.len())
            .position(|places| places.iter().all(|seat| *seat == Seat::Free))?;
        for (seat, guest) in self.seats[start..].iter_mut().zip(guests) {
            let by = guest.to_string();
            *seat = Seat::Taken { by };
        }
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_sit_side_by_side() {
        let mut row = Row::empty(5);
        assert_eq!(row.reserve(&["ana", "bo"]), Some(0));
        assert_eq!(row.reserve(&["cy", "di", "ed"]), Some(2));
        assert_eq!(row.reserve(&["flo"]), None);
        assert_eq!(row.seats[1], Seat::Taken { by: "bo".into() });
    }
}
