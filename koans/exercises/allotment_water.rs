pub mod meter {
    /// A water meter that turns over after 9999 litres.
    pub struct Meter {
        dial: u32,
        turns: u32,
    }

    impl Meter {
        pub fn new(dial: u32) -> Meter {
            Meter { dial, turns: 0 }
        }

        pub fn flow(&mut self, litres: u32) {
            let sum = self.dial + litres;
            self.dial = sum % 10_000;
            self.turns += sum / 10_000;
        }

        /// All that ever flowed through.
        pub fn reading(&self) -> u32 {
            self.turns * 10_000 + self.dial
        }
    }
}

/// What the garden pays: a cent for every two litres since `last_reading`.
pub fn bill(meter: &meter::Meter, last_reading: u32) -> u32 {
    (meter.dial - last_reading) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_meter_is_billed_in_full() {
        let mut meter = meter::Meter::new(9_000);
        meter.flow(600);
        assert_eq!(bill(&meter, 9_000), 300);
        meter.flow(800);
        assert_eq!(bill(&meter, 9_000), 700);
    }
}
