//! The last readings of a sensor, without allocating.

use arrayvec::{ArrayString, ArrayVec};

#[derive(Debug, Default)]
pub struct Sensor {
    label: ArrayString<[u8; 8]>,
    last: ArrayVec<[f32; 4]>,
}

impl Sensor {
    pub fn new(label: &str) -> Option<Sensor> {
        let label = ArrayString::from(label).ok()?;
        Some(Sensor { label, last: ArrayVec::new() })
    }

    pub fn push(&mut self, reading: f32) {
        if self.last.is_full() {
            self.last.remove(0);
        }
        self.last.push(reading);
    }

    pub fn mean(&self) -> f32 {
        self.last.iter().sum::<f32>() / self.last.len().max(1) as f32
    }

    pub fn label(&self) -> &str {
        self.label.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_four() {
        let mut sensor = Sensor::new("north").unwrap();
        for reading in [100.0, 1.0, 2.0, 3.0, 4.0] {
            sensor.push(reading);
        }
        assert_eq!((sensor.mean(), sensor.label()), (2.5, "north"));
        assert!(Sensor::new("much too long").is_none());
    }
}
