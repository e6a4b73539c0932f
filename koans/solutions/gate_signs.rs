use std::collections::HashMap;

/// The texts on the signs of an airport's gates, each drawn once and then kept.
#[derive(Default)]
pub struct GateSigns {
    texts: HashMap<u16, String>,
    drawn: usize,
}

impl GateSigns {
    pub fn text(&mut self, gate: u16) -> &str {
        self.texts.entry(gate).or_insert_with(|| {
            self.drawn += 1;
            let pier = if gate < 100 { 'A' } else { 'B' };
            format!("{pier}{:02}", gate % 100)
        })
    }

    pub fn drawn(&self) -> usize {
        self.drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_drawn_only_once() {
        let mut signs = GateSigns::default();
        assert_eq!(signs.text(7), "A07");
        assert_eq!(signs.text(112), "B12");
        assert_eq!(signs.text(7), "A07");
        assert_eq!(signs.drawn(), 2);
    }
}
