//! Reads shapes out of a drawing.

use roxmltree::{Document, Node};

#[derive(Debug, PartialEq)]
pub struct Shape {
    pub kind: String,
    pub attributes: Vec<(String, String)>,
}

fn shape_of(node: Node<'_, '_>) -> Shape {
    let attributes = node
        .attributes()
        .iter()
        .map(|attribute| (attribute.name().to_string(), attribute.value().to_string()))
        .collect();
    Shape { kind: node.tag_name().name().to_string(), attributes }
}

pub fn shapes(drawing: &str) -> Result<Vec<Shape>, roxmltree::Error> {
    let document = Document::parse(drawing)?;
    Ok(document.root_element().children().filter(|node| node.is_element()).map(shape_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_attributes() {
        let found = shapes("<svg><rect width='2' height='3'/><g/></svg>").unwrap();
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(found[0].attributes, [pair("width", "2"), pair("height", "3")]);
        assert_eq!(found[1], Shape { kind: "g".to_string(), attributes: Vec::new() });
        assert!(shapes("<svg").is_err());
    }
}
