struct Wagon {
    load: String,
    behind: Option<Box<Wagon>>,
}

/// A train of wagons, of which each knows only the one behind it.
#[derive(Default)]
pub struct Train {
    first: Option<Box<Wagon>>,
}

impl Train {
    /// Couples a wagon to the end of the train.
    pub fn couple(&mut self, load: &str) {
        let mut coupling = &mut self.first;
        while let Some(wagon) = coupling.as_mut() {
            coupling = &mut wagon.behind;
        }
        coupling.replace(Box::new(Wagon {
            load: load.to_string(),
            behind: None,
        }));
    }

    pub fn loads(&self) -> Vec<&str> {
        let mut loads = Vec::new();
        let mut next = self.first.as_deref();
        while let Some(wagon) = next {
            loads.push(wagon.load.as_str());
            next = wagon.behind.as_deref();
        }
        loads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wagons_stand_in_the_order_of_coupling() {
        let mut train = Train::default();
        assert!(train.loads().is_empty());
        for load in ["gravel", "timber", "milk"] {
            train.couple(load);
        }
        assert_eq!(train.loads(), ["gravel", "timber", "milk"]);
    }
}
