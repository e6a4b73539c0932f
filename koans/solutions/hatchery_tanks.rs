#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    pub litres: u32,
    pub capacity: u32,
}

/// Lets water run from one tank of the hatchery into another, until the first is
/// empty or the second is full, and returns how many litres have moved.
pub fn drain_into(tanks: &mut [Tank], from: usize, to: usize) -> u32 {
    if from == to {
        return 0;
    }
    let room = tanks[to].capacity - tanks[to].litres;
    let litres = tanks[from].litres.min(room);
    tanks[from].litres -= litres;
    tanks[to].litres += litres;
    litres
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tank(litres: u32, capacity: u32) -> Tank {
        Tank { litres, capacity }
    }

    #[test]
    fn the_fuller_tank_keeps_what_does_not_fit() {
        let mut tanks = vec![tank(90, 100), tank(10, 40), tank(0, 500)];
        assert_eq!(drain_into(&mut tanks, 0, 1), 30);
        assert_eq!(drain_into(&mut tanks, 1, 2), 40);
        assert_eq!(drain_into(&mut tanks, 2, 2), 0);
        assert_eq!(tanks, [tank(60, 100), tank(0, 40), tank(40, 500)]);
    }
}
