/// Water levels of one day, in centimetres above the zero of the harbour's gauge.
pub struct GaugeDay {
    levels: Vec<i32>,
    zero_moved_by: i32,
}

impl GaugeDay {
    pub fn new(levels: Vec<i32>) -> Self {
        GaugeDay {
            levels,
            zero_moved_by: 0,
        }
    }

    /// Moves the gauge's zero to the lowest level of the day.
    pub fn settle(&mut self) {
        let Some(lowest) = self.levels.iter().min() else {
            return;
        };
        for level in self.levels.iter_mut() {
            *level -= lowest;
        }
        self.zero_moved_by += lowest;
    }

    pub fn levels(&self) -> &[i32] {
        &self.levels
    }

    pub fn zero_moved_by(&self) -> i32 {
        self.zero_moved_by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_level_becomes_the_zero() {
        let mut day = GaugeDay::new(vec![140, -35, 20, -35]);
        day.settle();
        assert_eq!(day.levels(), [175, 0, 55, 0]);
        assert_eq!(day.zero_moved_by(), -35);
        day.settle();
        assert_eq!(day.zero_moved_by(), -35);
    }

    #[test]
    fn a_day_without_readings_stays_as_it_is() {
        let mut day = GaugeDay::new(Vec::new());
        day.settle();
        assert_eq!(day.zero_moved_by(), 0);
    }
}
