//! How large keys are.

use num_bigint::BigUint;

pub struct Key {
    pub modulus: BigUint,
}

impl Key {
    pub fn bits(&self) -> usize {
        self.modulus.bits()
    }

    pub fn is_strong(&self) -> bool {
        self.bits() >= 2048
    }

    pub fn padded(&self) -> Vec<u8> {
        let mut bytes = vec![0; (self.bits() + 7) / 8 + 1];
        let digits = self.modulus.to_bytes_be();
        bytes[1..].copy_from_slice(&digits);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let key = Key { modulus: BigUint::from(256u32) };
        assert_eq!((key.bits(), key.is_strong()), (9, false));
        assert_eq!(key.padded(), [0, 1, 0]);
        assert!(Key { modulus: BigUint::from(1u32) << 2048 }.is_strong());
    }
}
