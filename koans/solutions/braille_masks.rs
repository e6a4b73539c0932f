/// The bit of each of the eight dots of a braille cell, which are numbered down the columns.
const DOTS: [u8; 9] = dots();

const fn dots() -> [u8; 9] {
    let mut bits = [0; 9];
    let mut dot = 1;
    while dot <= 8 {
        bits[dot] = 1 << (dot - 1);
        dot += 1;
    }
    bits
}

/// The sign for a cell that is written by the numbers of its dots, such as "125".
pub fn sign(cell: &str) -> Option<char> {
    let mut mask = 0;
    for digit in cell.chars() {
        let number = digit.to_digit(9).filter(|number| *number > 0)?;
        mask |= DOTS[number as usize];
    }
    char::from_u32(0x2800 + u32::from(mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_become_signs() {
        assert_eq!(sign("1"), Some('\u{2801}'));
        assert_eq!(sign("125"), Some('\u{2813}'));
        assert_eq!(sign("8"), Some('\u{2880}'));
        assert_eq!(sign("10"), None);
    }
}
