//! The shape of a configuration, without its values.

use serde_yaml::Value;

pub fn shape(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_string(),
        Value::Bool(_) => "yes or no".to_string(),
        Value::Number(_) => "number".to_string(),
        Value::String(_) => "text".to_string(),
        Value::Sequence(items) => format!("list of {}", items.len()),
        Value::Mapping(entries) => format!("table of {}", entries.len()),
    }
}

pub fn shape_of_text(text: &str) -> Option<String> {
    let value: Value = serde_yaml::from_str(text).ok()?;
    Some(shape(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!(shape_of_text("a: 1\nb: 2").as_deref(), Some("table of 2"));
        assert_eq!(shape_of_text("[1, 2, 3]").as_deref(), Some("list of 3"));
        assert_eq!(shape_of_text("[1"), None);
    }
}
