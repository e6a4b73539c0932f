/// A stretch of a river with those that flow into it.
pub struct Stretch {
    pub dams: u32,
    pub litres: u64,
    pub tributaries: Vec<Stretch>,
}

/// Tells of the dams on all stretches that carry at least `litres` a second down to the mouth.
///
/// Behind a stretch that carries less, nobody looks any further.
pub fn report(mouth: &Stretch, litres: u64) -> String {
    fn dams(stretch: &Stretch) -> u32 {
        if stretch.litres < litres {
            return 0;
        }
        let above: u32 = stretch.tributaries.iter().map(dams).sum();
        stretch.dams + above
    }
    format!("{} dams where {litres} l/s flow", dams(mouth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_stretches_end_the_search() {
        let stretch = |dams, litres, tributaries| Stretch {
            dams,
            litres,
            tributaries,
        };
        let hidden = stretch(100, 900, vec![]);
        let brook = stretch(8, 20, vec![hidden]);
        let mouth = stretch(
            1,
            1000,
            vec![stretch(2, 500, vec![brook]), stretch(4, 499, vec![])],
        );
        assert_eq!(report(&mouth, 500), "3 dams where 500 l/s flow");
        assert_eq!(report(&mouth, 20), "115 dams where 20 l/s flow");
        assert_eq!(report(&mouth, 1001), "0 dams where 1001 l/s flow");
    }
}
