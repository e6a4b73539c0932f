/// A boat that waits at a lock.
pub struct Boat {
    pub name: String,
    pub length: u32,
}

/// The names of the boats that go through together, in the order they wait.
///
/// The keeper fills the chamber until the first boat that does not fit any more.
pub fn next_passage(waiting: &[Boat], chamber: u32) -> Vec<String> {
    let mut left = chamber;
    let mut names = Vec::new();
    waiting.iter().for_each(|boat| {
        if boat.length > left {
            break;
        }
        left -= boat.length;
        names.push(boat.name.clone());
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_jumps_the_queue() {
        let waiting =
            [("Avon", 18), ("Beth", 20), ("Clyde", 30), ("Dee", 5)].map(|(name, length)| Boat {
                name: name.to_string(),
                length,
            });
        assert_eq!(next_passage(&waiting, 50), ["Avon", "Beth"]);
        assert_eq!(next_passage(&waiting, 73), ["Avon", "Beth", "Clyde", "Dee"]);
        assert!(next_passage(&waiting, 17).is_empty());
    }
}
