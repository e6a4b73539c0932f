/// Snow depths of the stakes along a slope, in metres.
pub struct SnowReport {
    depths: Vec<f64>,
}

impl SnowReport {
    pub fn new(depths: &[f64]) -> Self {
        let mut depths = depths.to_vec();
        depths.retain(|depth| depth.is_finite());
        depths.sort();
        SnowReport { depths }
    }

    pub fn typical(&self) -> Option<f64> {
        let middle = self.depths.len() / 2;
        match self.depths.len() {
            0 => None,
            count if count % 2 == 1 => Some(self.depths[middle]),
            _ => Some((self.depths[middle - 1] + self.depths[middle]) / 2.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typical_depth_is_the_median() {
        let report = SnowReport::new(&[1.5, f64::NAN, 0.25, 4.0]);
        assert_eq!(report.typical(), Some(1.5));
        assert_eq!(SnowReport::new(&[3.0, 0.5, 1.0, 2.0]).typical(), Some(1.5));
        assert_eq!(SnowReport::new(&[]).typical(), None);
    }
}
