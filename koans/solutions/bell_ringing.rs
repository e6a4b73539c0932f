/// The next row of a peal, in which neighbours change places from the bell `from` on.
fn next_row(row: &[u8], from: usize) -> Vec<u8> {
    let mut next = row.to_vec();
    next[from..]
        .chunks_exact_mut(2)
        .for_each(|pair| pair.swap(0, 1));
    next
}

/// After how many changes the bells are back in the order they began with, or `None` when that
/// takes more than `limit`.
pub fn changes_until_round(bells: &[u8], limit: u32) -> Option<u32> {
    let mut row = bells.to_vec();
    let mut changes = 0;
    while changes < limit && !bells.is_empty() {
        row = next_row(&row, changes as usize % 2);
        changes += 1;
        if row == bells {
            return Some(changes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bells_come_round() {
        assert_eq!(changes_until_round(&[1, 2, 3], 100), Some(6));
        assert_eq!(changes_until_round(&[1, 2, 3, 4], 8), Some(8));
        assert_eq!(changes_until_round(&[1, 2, 3, 4], 7), None);
        assert_eq!(changes_until_round(&[], 7), None);
    }
}
