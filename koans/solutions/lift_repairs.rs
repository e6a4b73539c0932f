use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[derive(Debug, PartialEq, Eq)]
pub struct Repair {
    pub hours_left: u32,
    pub lift: String,
}

impl Ord for Repair {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_urgency = other.hours_left.cmp(&self.hours_left);
        by_urgency.then_with(|| other.lift.cmp(&self.lift))
    }
}

impl PartialOrd for Repair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Lifts that wait for the mechanic; the one with the fewest hours left comes first.
#[derive(Default)]
pub struct Workshop {
    open: BinaryHeap<Repair>,
}

impl Workshop {
    pub fn report(&mut self, lift: &str, hours_left: u32) {
        self.open.push(Repair {
            hours_left,
            lift: lift.to_string(),
        });
    }

    pub fn next_lift(&mut self) -> Option<String> {
        Some(self.open.pop()?.lift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_repair_comes_first() {
        let mut workshop = Workshop::default();
        workshop.report("town hall", 48);
        workshop.report("clinic", 2);
        workshop.report("museum", 30);
        let order: Vec<String> = std::iter::from_fn(|| workshop.next_lift()).collect();
        assert_eq!(order, ["clinic", "museum", "town hall"]);
    }
}
