//! Frames of a protocol: length, kind, body.

use bytes::{BufMut, BytesMut};

pub struct Frame<'a> {
    pub kind: u16,
    pub body: &'a [u8],
}

pub fn encode(frame: &Frame<'_>) -> BytesMut {
    let mut out = BytesMut::with_capacity(6 + frame.body.len());
    out.put_u32_be(frame.body.len() as u32);
    out.put_u16_le(frame.kind);
    out.put_slice(frame.body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes() {
        let frame = Frame { kind: 0x0102, body: b"ok" };
        assert_eq!(encode(&frame)[..], [0, 0, 0, 2, 2, 1, b'o', b'k']);
    }
}
