/// What the two gauges of a diving tank say; a broken one says nothing.
#[derive(Clone, Copy)]
pub struct Tank {
    pub litres: Option<u32>,
    pub bar: Option<u32>,
}

impl Tank {
    /// How much gas there is, in litres at the surface.
    pub fn gas(self) -> Option<u32> {
        Some(self.litres? * self.bar?)
    }

    /// For how many minutes the gas lasts while 50 bar are kept back.
    pub fn minutes(self, litres_a_minute: u32) -> Option<u32> {
        let usable = Tank {
            bar: self.bar?.checked_sub(50),
            ..self
        };
        usable.gas()?.checked_div(litres_a_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_gauges_are_needed() {
        let full = Tank {
            litres: Some(12),
            bar: Some(200),
        };
        assert_eq!(full.gas(), Some(2400));
        assert_eq!(full.minutes(20), Some(90));
        assert_eq!(Tank { bar: None, ..full }.gas(), None);
        assert_eq!(
            Tank {
                litres: None,
                ..full
            }
            .minutes(20),
            None
        );
    }
}
