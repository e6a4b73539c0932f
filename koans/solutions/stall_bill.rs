use std::collections::HashMap;

#[derive(Default)]
pub struct PriceBoard {
    cents: HashMap<&'static str, u32>,
}

impl PriceBoard {
    pub fn with(mut self, ware: &'static str, cents: u32) -> Self {
        self.cents.insert(ware, cents);
        self
    }

    async fn price(&self, ware: &str) -> Option<u32> {
        self.cents.get(ware).copied()
    }

    /// The sum of a shopping list; wares that are not sold cost nothing.
    pub async fn bill(&self, list: &[(&str, u32)]) -> u32 {
        let mut sum = 0;
        for (ware, pieces) in list {
            sum += pieces * self.price(ware).await.unwrap_or(0);
        }
        sum
    }
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

    #[test]
    fn unknown_wares_cost_nothing() {
        let board = PriceBoard::default().with("leek", 120).with("plum", 35);
        assert_eq!(
            block_on(board.bill(&[("plum", 4), ("kite", 9), ("leek", 1)])),
            260
        );
    }
}
