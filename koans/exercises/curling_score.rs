/// Who throws the last stone of an end, which is an advantage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Red,
    Yellow,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub red: u32,
    pub yellow: u32,
    pub last_stone: Side,
    pub ends: u32,
}

impl Score {
    /// The score after an end in which `side` counts `stones`; then the other side has the last stone.
    pub fn count(self, side: Side, stones: u32) -> Score {
        let ends = self.ends + 1;
        match side {
            Side::Red => Score {
                red: self.red + stones,
                last_stone: Side::Yellow,
                ends,
            },
            Side::Yellow => Score {
                yellow: self.yellow + stones,
                last_stone: Side::Red,
                ends,
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_keeps_its_points() {
        let start = Score {
            red: 0,
            yellow: 0,
            last_stone: Side::Red,
            ends: 0,
        };
        let score = start.count(Side::Yellow, 2).count(Side::Red, 3);
        assert_eq!((score.red, score.yellow), (3, 2));
        assert_eq!((score.last_stone, score.ends), (Side::Yellow, 2));
    }
}
