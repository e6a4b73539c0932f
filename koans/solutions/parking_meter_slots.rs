/// A car park with one meter for each bay; the time that is paid for, in minutes.
pub struct Garage {
    meters: Vec<u32>,
}

impl Garage {
    pub fn new(bays: usize) -> Garage {
        Garage {
            meters: vec![0; bays],
        }
    }

    pub fn pay(&mut self, bay: usize, minutes: u32) {
        self.meters[bay] += minutes;
    }

    /// The numbers of the bays whose time runs out within `minutes`, but is not over yet.
    pub fn nearly_over(&self, minutes: u32) -> impl Iterator<Item = usize> + '_ {
        let meters = self.meters.iter().enumerate();
        meters
            .filter(move |(_, left)| (1..=minutes).contains(*left))
            .map(|(bay, _)| bay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_meters_are_over() {
        let mut garage = Garage::new(4);
        garage.pay(1, 10);
        garage.pay(2, 60);
        garage.pay(3, 5);
        assert_eq!(garage.nearly_over(10).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(garage.nearly_over(0).count(), 0);
    }
}
