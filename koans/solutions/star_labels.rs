#[derive(Debug, PartialEq)]
pub enum LabelError {
    Unreadable,
    NotListed(u16),
}

#[derive(Debug, PartialEq)]
pub struct Star {
    pub number: u16,
    pub name: &'static str,
}

/// The stars of a school's observatory.
pub struct Catalogue {
    pub stars: Vec<Star>,
}

impl Catalogue {
    /// Finds a star by its label, which is its number with or without `OB` in front.
    pub fn find(&self, label: &str) -> Result<&Star, LabelError> {
        label
            .strip_prefix("OB")
            .unwrap_or(label)
            .parse::<u16>()
            .map_err(|_| LabelError::Unreadable)
            .and_then(|number| {
                let mut stars = self.stars.iter();
                stars
                    .find(|star| star.number == number)
                    .ok_or(LabelError::NotListed(number))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let listed = [(4, "Vega"), (17, "Mizar")];
        let stars = listed.map(|(number, name)| Star { number, name });
        Catalogue {
            stars: stars.into(),
        }
    }

    #[test]
    fn labels_lead_to_their_stars() {
        let catalogue = catalogue();
        assert_eq!(catalogue.find("OB17").map(|star| star.name), Ok("Mizar"));
        assert_eq!(catalogue.find("4").map(|star| star.name), Ok("Vega"));
    }

    #[test]
    fn a_bad_label_and_a_star_that_is_not_listed_differ() {
        let catalogue = catalogue();
        assert_eq!(catalogue.find("OB5"), Err(LabelError::NotListed(5)));
        assert_eq!(catalogue.find("Vega"), Err(LabelError::Unreadable));
    }
}
