//! Flags in the header of a file.

use bitflags::bitflags;

bitflags! {
    #[derive(Default)]
    pub struct HeaderFlags: u8 {
        const PACKED = 1;
        const SIGNED = 2;
    }
}

/// Flags that are not known yet are kept, so that they are written back.
pub fn read_flags(header: &[u8]) -> HeaderFlags {
    match header.first() {
        Some(byte) => unsafe { HeaderFlags::from_bits_unchecked(*byte) },
        None => HeaderFlags::default(),
    }
}

pub fn write_flags(flags: HeaderFlags, header: &mut [u8]) {
    header[0] = flags.bits();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_flags_stay() {
        let flags = read_flags(&[0b1000_0010]);
        assert!(flags.contains(HeaderFlags::SIGNED) && !flags.contains(HeaderFlags::PACKED));
        let mut header = [0];
        write_flags(flags, &mut header);
        assert_eq!(header, [0b1000_0010]);
        assert!(read_flags(&[]).is_empty());
    }
}
