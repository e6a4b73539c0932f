use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// The colours of the series of a chart. What has no colour of its own is grey.
#[derive(Default)]
pub struct Palette {
    chosen: BTreeMap<String, Colour>,
}

impl Palette {
    pub fn choose(&mut self, series: &str, colour: Colour) {
        self.chosen.insert(series.to_string(), colour);
    }

    pub fn colour_of(&self, series: &str) -> &Colour {
        match self.chosen.get(series) {
            Some(colour) => colour,
            None => {
                let shade = 60 + 8 * series.len().min(20) as u8;
                &Colour(shade, shade, shade)
            }
        }
    }

    /// How bright the series looks, as the mean of its three channels.
    pub fn brightness(&self, series: &str) -> u8 {
        let colour = self.colour_of(series);
        ((colour.0 as u16 + colour.1 as u16 + colour.2 as u16) / 3) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_wins_over_grey() {
        let mut palette = Palette::default();
        palette.choose("rain", Colour(10, 40, 220));
        assert_eq!(palette.brightness("rain"), 90);
    }

    #[test]
    fn longer_names_have_lighter_greys() {
        let palette = Palette::default();
        assert_eq!(palette.brightness("sun"), 84);
        assert_eq!(palette.brightness("wind"), 92);
        assert_eq!(palette.brightness(&"x".repeat(300)), 220);
    }
}
