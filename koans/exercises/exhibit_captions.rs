use std::fmt::Display;

/// Captions that are only written out when a visitor comes near.
#[derive(Default)]
pub struct Captions {
    writers: Vec<Box<dyn Fn(u32) -> String>>,
}

impl Captions {
    /// Adds an exhibit that was made in `year`.
    pub fn add<T: Display>(&mut self, exhibit: T, year: u32) {
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
