/// Who owned a violin, since which year, and who owned it before.
pub struct Owner {
    name: String,
    since: u32,
    before: Option<Owner>,
}

impl Owner {
    pub fn first(name: &str, since: u32) -> Owner {
        let name = name.to_string();
        Owner {
            name,
            since,
            before: None,
        }
    }

    pub fn sell(self, name: &str, since: u32) -> Owner {
        Owner {
            before: Some(self),
            ..Owner::first(name, since)
        }
    }

    pub fn in_year(&self, year: u32) -> Option<&str> {
        if year >= self.since {
            return Some(&self.name);
        }
        self.before.as_ref()?.in_year(year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_is_remembered() {
        let maker = Owner::first("workshop", 1731);
        let owner = maker.sell("count", 1740).sell("orchestra", 1902);
        assert_eq!(owner.in_year(1735), Some("workshop"));
        assert_eq!(owner.in_year(1901), Some("count"));
        assert_eq!(owner.in_year(1999), Some("orchestra"));
        assert_eq!(owner.in_year(1730), None);
    }
}
