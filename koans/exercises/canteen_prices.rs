pub struct Dish {
    pub name: &'static str,
    pub cents: u32,
}

const DISHES: [Dish; 3] = [
    Dish {
        name: "soup",
        cents: 350,
    },
    Dish {
        name: "stew",
        cents: 620,
    },
    Dish {
        name: "cake",
        cents: 280,
    },
];

/// The price of a dish of the canteen.
pub fn price(name: &str) -> Result<u32, String> {
    DISHES
        .iter()
        .find(|dish| dish.name == name)
        .map(|dish| dish.cents)
}

/// The sum for a whole tray.
pub fn tray(names: &[&str]) -> Result<u32, String> {
    names.iter().map(|name| price(name)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tray_is_the_sum_of_its_dishes() {
        assert_eq!(tray(&["stew", "cake", "cake"]), Ok(1180));
        assert_eq!(tray(&[]), Ok(0));
    }

    #[test]
    fn the_missing_dish_is_named() {
        let error = tray(&["soup", "sushi"]).expect_err("there is no sushi");
        assert!(error.contains("sushi") && !error.contains("soup"));
    }
}
