pub struct Stop {
    pub name: String,
    /// Minutes since the tram left the depot.
    pub minute: u32,
}

pub struct TramLine {
    pub number: u8,
    pub stops: Vec<Stop>,
}

impl TramLine {
    /// How long a tram is under way; a line without stops takes no time.
    pub fn minutes(&self) -> u32 {
        self.stops.last().minute
    }
}

/// The numbers of all lines that are done within the given minutes.
pub fn short_lines(lines: &[TramLine], minutes: u32) -> Vec<u8> {
    lines
        .iter()
        .filter(|line| line.minutes() <= minutes)
        .map(|line| line.number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u8, minutes: &[u32]) -> TramLine {
        let stops = minutes.iter().map(|&minute| Stop {
            name: format!("stop at {minute}"),
            minute,
        });
        TramLine {
            number,
            stops: stops.collect(),
        }
    }

    #[test]
    fn a_closed_line_counts_as_short() {
        let lines = [line(4, &[0, 9, 31]), line(7, &[]), line(9, &[0, 12])];
        assert_eq!(lines[0].minutes(), 31);
        assert_eq!(short_lines(&lines, 12), [7, 9]);
    }
}
