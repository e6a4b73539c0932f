use std::collections::{BTreeSet, HashMap};

/// Dishes by what they are made of; the order of the ingredients means nothing.
#[derive(Default)]
pub struct Pantry {
    dishes: HashMap<BTreeSet<String>, Vec<String>>,
}

impl Pantry {
    pub fn add(&mut self, dish: &str, ingredients: &str) {
        let key = ingredient_set(ingredients);
        self.dishes.entry(key).or_default().push(dish.to_string());
    }

    pub fn made_of(&self, ingredients: &str) -> &[String] {
        match self.dishes.get(&ingredient_set(ingredients)) {
            Some(dishes) => dishes,
            None => &[],
        }
    }
}

fn ingredient_set(text: &str) -> BTreeSet<String> {
    text.split(',')
        .map(|part| part.trim().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_ingredients_means_nothing() {
        let mut pantry = Pantry::default();
        pantry.add("pancake", "flour, milk, egg");
        pantry.add("waffle", "egg, flour, milk, egg");
        pantry.add("omelette", "egg, milk");
        assert_eq!(pantry.made_of("milk, egg, flour"), ["pancake", "waffle"]);
        assert!(pantry.made_of("flour").is_empty());
    }
}
