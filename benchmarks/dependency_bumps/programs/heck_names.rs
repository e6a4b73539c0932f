//! Names of generated Rust code.

use heck::{CamelCase, MixedCase, SnakeCase};

pub struct Field<'a> {
    pub name: &'a str,
    pub kind: &'a str,
}

pub fn struct_text(name: &str, fields: &[Field<'_>]) -> String {
    let mut text = format!("struct {} {{\n", name.to_camel_case());
    for field in fields {
        text += &format!("    #[serde(rename = \"{}\")]\n", field.name.to_mixed_case());
        text += &format!("    {}: {},\n", field.name.to_snake_case(), field.kind);
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_struct() {
        let text = struct_text("http request", &[Field { name: "BodySize", kind: "u64" }]);
        assert!(text.starts_with("struct HttpRequest {"));
        assert!(text.contains("rename = \"bodySize\"") && text.contains("    body_size: u64,"));
    }
}
