pub struct Pallet {
    pub boxes: Vec<u32>,
    pub on_top: Vec<Pallet>,
}

/// Weighs one box at a time; what it shows needs a correction.
pub struct Scale {
    pub grams_too_much: u32,
}

impl Scale {
    async fn weigh(&self, shown: u32) -> u32 {
        shown.saturating_sub(self.grams_too_much)
    }
}

/// What a pallet weighs with everything that stands on it.
pub async fn gross(scale: &Scale, pallet: &Pallet) -> u32 {
    let mut grams = 20_000;
    for shown in &pallet.boxes {
        grams += scale.weigh(*shown).await;
    }
    for upper in &pallet.on_top {
        grams += gross(scale, upper).await;
    }
    grams
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    fn pallet(boxes: Vec<u32>, on_top: Vec<Pallet>) -> Pallet {
        Pallet { boxes, on_top }
    }

    #[test]
    fn everything_on_top_counts_at_any_height() {
        let top = pallet(vec![4], vec![]);
        let stack = pallet(
            vec![31, 2],
            vec![pallet(vec![], vec![top]), pallet(vec![10], vec![])],
        );
        let scale = Scale { grams_too_much: 3 };
        assert_eq!(block_on(gross(&scale, &stack)), 4 * 20_000 + 28 + 1 + 7);
    }
}
