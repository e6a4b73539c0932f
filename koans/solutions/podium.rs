/// The three best results, best first; of equal ones the earlier comes first.
pub fn podium<T: Ord + Clone>(results: &[T]) -> Vec<T> {
    fn place<T: Ord + Clone>(steps: &mut Vec<T>, result: &T) {
        let step = steps.partition_point(|better| better >= result);
        steps.insert(step, result.clone());
        steps.truncate(3);
    }

    let mut steps = Vec::with_capacity(4);
    for result in results {
        place(&mut steps, result);
    }
    steps
}

/// The podium of a jump, in centimetres; invalid jumps are left out.
pub fn long_jump(jumps: &[Option<u32>]) -> Vec<u32> {
    let valid: Vec<u32> = jumps.iter().flatten().copied().collect();
    podium(&valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_are_enough() {
        let jumps = [Some(702), None, Some(688), Some(731), Some(702), Some(5)];
        assert_eq!(long_jump(&jumps), [731, 702, 702]);
        assert_eq!(podium(&["b", "c", "a", "d"]), ["d", "c", "b"]);
        assert_eq!(podium::<u8>(&[]), []);
    }
}
