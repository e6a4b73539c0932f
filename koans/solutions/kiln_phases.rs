/// What a kiln is doing, with the pieces that stand in it.
#[derive(Debug, PartialEq)]
pub enum Phase {
    Loading(Vec<String>),
    Firing { pieces: Vec<String>, minutes: u32 },
    Cooling(Vec<String>),
}

pub struct Kiln {
    pub phase: Phase,
}

impl Kiln {
    /// Half an hour passes: a loaded kiln is lit, and after 90 minutes it cools down.
    pub fn half_hour(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Cooling(Vec::new())) {
            Phase::Loading(pieces) => Phase::Firing { pieces, minutes: 0 },
            Phase::Firing { pieces, minutes } if minutes < 90 => Phase::Firing {
                pieces,
                minutes: minutes + 30,
            },
            Phase::Firing { pieces, .. } => Phase::Cooling(pieces),
            Phase::Cooling(pieces) => Phase::Cooling(pieces),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_stay_in_the_kiln() {
        let pieces = vec!["bowl".to_string(), "jug".to_string()];
        let mut kiln = Kiln {
            phase: Phase::Loading(pieces.clone()),
        };
        kiln.half_hour();
        kiln.half_hour();
        assert_eq!(
            kiln.phase,
            Phase::Firing {
                pieces: pieces.clone(),
                minutes: 30
            }
        );
        for _ in 0..6 {
            kiln.half_hour();
        }
        assert_eq!(kiln.phase, Phase::Cooling(pieces));
    }
}
