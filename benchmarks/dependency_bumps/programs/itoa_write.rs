//! Numbers in a table of bytes.

use std::io;

pub fn write_row<W: io::Write>(mut out: W, numbers: &[i64]) -> io::Result<()> {
    for (position, number) in numbers.iter().enumerate() {
        if position > 0 {
            out.write_all(b";")?;
        }
        itoa::write(&mut out, *number)?;
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes() {
        let mut row = Vec::new();
        write_row(&mut row, &[1, -20]).unwrap();
        assert_eq!(row, b"1;-20\n");
    }
}
