/// Watches the water in a cistern.
#[derive(Default)]
pub struct Gauge {
    level: f64,
    pub lowest: f64,
    pub history: Vec<f64>,
}

impl Gauge {
    /// Takes a new level in centimetres and says how far the water rose since the one before.
    pub fn record(&mut self, level: f64) -> f64 {
        let before = self.level;
        self.lowest = self.lowest.min(level);
        self.level = level;
        self.history.push(level);
        level - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rise_is_counted_from_the_level_before() {
        let mut gauge = Gauge::default();
        assert_eq!(gauge.record(40.0), 40.0);
        assert_eq!(gauge.record(-12.5), -52.5);
        assert_eq!(gauge.lowest, -12.5);
        assert_eq!(gauge.history, [40.0, -12.5]);
    }
}
