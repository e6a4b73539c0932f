use std::ops::Add;

/// A length of time in a training plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub u32);

impl Add for Seconds {
    type Output = Seconds;

    fn add(self, other: Seconds) -> Seconds {
        Seconds(self.0 + other.0)
    }
}

pub struct Exercise {
    pub sets: Vec<Seconds>,
    pub rest: Seconds,
}

/// How long the plan takes when there is a rest after every set.
pub fn duration(plan: &[Exercise]) -> Seconds {
    plan.iter()
        .flat_map(|exercise| exercise.sets.iter().map(|set| *set + exercise.rest))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_rests_are_added_up() {
        let planks = Exercise {
            sets: vec![Seconds(40), Seconds(50)],
            rest: Seconds(15),
        };
        let squats = Exercise {
            sets: vec![Seconds(90)],
            rest: Seconds(0),
        };
        assert_eq!(duration(&[planks, squats]), Seconds(210));
        assert_eq!(duration(&[]), Seconds(0));
    }
}
