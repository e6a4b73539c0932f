/// The instructions of a mechanical loom.
///
/// Movements begin at 0x10, those of the weft at 0x20: throw, beat, cut, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instruction {
    Raise = 0x10,
    Lower,
    Throw = 0x20,
    Beat,
    Cut,
}

const ALL: [Instruction; 5] = [
    Instruction::Raise,
    Instruction::Lower,
    Instruction::Throw,
    Instruction::Beat,
    Instruction::Cut,
];

/// Reads a punched card; `None` if some byte is no instruction.
pub fn read_card(card: &[u8]) -> Option<Vec<Instruction>> {
    let read = |byte: &u8| ALL.into_iter().find(|known| *known as u8 == *byte);
    card.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read() {
        use Instruction::*;
        let card = [0x10, 0x20, 0x21, 0x22, 0x11];
        assert_eq!(read_card(&card), Some(vec![Raise, Throw, Beat, Cut, Lower]));
        assert_eq!(read_card(&[0x12]), None);
        assert_eq!(read_card(&[0x23]), None);
    }
}
