//! Signed messages.

use hmac::{Hmac, Mac, NewMac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

pub fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = HmacSha256::new_varkey(key).expect("keys of any length are taken");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

pub fn is_signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let mut mac = HmacSha256::new_varkey(key).expect("keys of any length are taken");
    mac.update(message);
    mac.verify(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_fits_only_its_message() {
        let signature = sign(b"key", b"hello");
        assert_eq!(signature.len(), 32);
        assert!(is_signed(b"key", b"hello", &signature));
        assert!(!is_signed(b"key", b"hullo", &signature));
        assert!(!is_signed(b"key", b"hello", &signature[..5]));
    }
}
