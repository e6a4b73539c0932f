#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chamber {
    Low,
    Filling(u8),
    High,
}

#[derive(Debug, Clone, Copy)]
pub enum Signal {
    OpenValve,
    Minute,
    Halt,
}

const MINUTES_TO_FILL: u8 = 3;

/// What the chamber is after a signal. A halt empties it at once, whatever it was doing;
/// a signal that means nothing at the time leaves it as it is.
pub fn after(chamber: Chamber, signal: Signal) -> Chamber {
    match (chamber, signal) {
        (Chamber::Low, Signal::OpenValve) => Chamber::Filling(1),
        (Chamber::Filling(MINUTES_TO_FILL), Signal::Minute) => Chamber::High,
        (Chamber::Filling(minutes), Signal::Minute) => Chamber::Filling(minutes + 1),
        (_, Signal::Halt) => Chamber::Low,
        (unmoved, _) => unmoved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(signals: &[Signal]) -> Chamber {
        signals
            .iter()
            .fold(Chamber::Low, |now, one| after(now, *one))
    }

    #[test]
    fn signals_without_a_meaning_change_nothing_and_a_halt_always_empties() {
        use Signal::{Halt, Minute, OpenValve};
        assert_eq!(
            run(&[Minute, OpenValve, OpenValve, Minute]),
            Chamber::Filling(2)
        );
        let full = [OpenValve, Minute, Minute, Minute, Minute, OpenValve];
        assert_eq!(run(&full), Chamber::High);
        assert_eq!(after(run(&full), Halt), Chamber::Low);
        assert_eq!(run(&[OpenValve, Halt, Halt]), Chamber::Low);
    }
}
