//! Names of uploaded files.

use uuid::Uuid;

pub fn stored_name(id: &Uuid, original: &str) -> String {
    let ending = original.rsplit('.').next().unwrap_or("bin");
    format!("{}.{}", id.to_simple(), ending)
}

pub fn shown(id: Uuid) -> String {
    let mut buffer = Uuid::encode_buffer();
    id.to_hyphenated().encode_upper(&mut buffer).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(stored_name(&id, "cat.png"), "0123456789abcdef0123456789abcdef.png");
        assert_eq!(shown(id), "01234567-89AB-CDEF-0123-456789ABCDEF");
    }
}
