/// The minutes of a meeting as text: each topic with its decisions below it, and an
/// empty line between topics.
pub fn minutes(topics: &[(&str, Vec<&str>)]) -> String {
    let mut page = String::new();
    let mut line = |depth: usize, text: &str| {
        page.push_str(&"  ".repeat(depth));
        page.push_str(text);
        page.push('\n');
    };
    for (position, (topic, decisions)) in topics.iter().enumerate() {
        if position > 0 {
            page.push('\n');
        }
        line(0, topic);
        for decision in decisions {
            line(1, decision);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_apart_and_decisions_are_indented() {
        let topics = [
            ("Roof", vec!["ask for two offers", "vote in May"]),
            ("Garden", vec!["plant the hedge"]),
        ];
        let expected = "Roof\n  ask for two offers\n  vote in May\n\nGarden\n  plant the hedge\n";
        assert_eq!(minutes(&topics), expected);
        assert_eq!(minutes(&[]), "");
    }
}
