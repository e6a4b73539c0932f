use std::fmt::Display;

/// Captions that are only written out when a visitor comes near.
#[derive(Default)]
pub struct Captions<'a> {
    writers: Vec<Box<dyn Fn(u32) -> String + 'a>>,
}

impl<'a> Captions<'a> {
    /// Adds an exhibit that was made in `year`.
    pub fn add<T: Display + 'a>(&mut self, exhibit: T, year: u32) {
        self.writers.push(Box::new(move |today| {
            format!("{exhibit}, {} years old", today - year)
        }));
    }

    pub fn write(&self, today: u32) -> Vec<String> {
        self.writers.iter().map(|writer| writer(today)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhibits_can_be_lent() {
        let vase = String::from("Vase");
        let mut captions = Captions::default();
        captions.add(vase.as_str(), 1900);
        captions.add(format!("Copy of {vase}"), 1990);
        assert_eq!(
            captions.write(2000),
            ["Vase, 100 years old", "Copy of Vase, 10 years old"]
        );
    }
}
