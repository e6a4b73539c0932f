/// How the price of a museum ticket comes about.
#[derive(Clone)]
pub struct TicketRule {
    label: String,
    price: Box<dyn Fn(u32) -> u32>,
}

impl TicketRule {
    pub fn new(label: &str, price: impl Fn(u32) -> u32 + 'static) -> Self {
        TicketRule {
            label: label.to_string(),
            price: Box::new(price),
        }
    }

    /// The same rule under another name.
    pub fn renamed(&self, label: &str) -> Self {
        let mut copy = self.clone();
        copy.label = label.to_string();
        copy
    }

    pub fn describe(&self, full_price: u32) -> String {
        format!("{}: {}", self.label, (self.price)(full_price))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_rule_still_computes_the_same_price() {
        let discount = 150;
        let rule = TicketRule::new("student", move |full| full.saturating_sub(discount));
        let other = rule.renamed("pupil");
        assert_eq!(other.describe(900), "pupil: 750");
        assert_eq!(rule.describe(100), "student: 0");
    }
}
