//! What a macro needs to know of a struct.

use syn::{Attribute, DeriveInput, Fields};

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path.is_ident("doc"))
}

/// Names of the fields without documentation.
pub fn undocumented(source: &str) -> syn::Result<Vec<String>> {
    let input: DeriveInput = syn::parse_str(source)?;
    let syn::Data::Struct(data) = &input.data else {
        return Ok(Vec::new());
    };
    let Fields::Named(fields) = &data.fields else {
        return Ok(Vec::new());
    };
    Ok(fields
        .named
        .iter()
        .filter(|field| !is_documented(&field.attrs))
        .filter_map(|field| field.ident.as_ref().map(|name| name.to_string()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields() {
        let source = "struct S { /// yes\n one: u8, #[cfg(test)] two: u8 }";
        assert_eq!(undocumented(source).unwrap(), ["two"]);
        assert!(undocumented("enum E { A }").unwrap().is_empty());
        assert!(undocumented("struct").is_err());
    }
}
