use std::future::Future;

/// Something that measures the water, and takes its time.
pub trait Gauge {
    fn level(&self) -> impl Future<Output = i32>;
}

pub struct Weir<G> {
    gauges: Vec<G>,
    limit: i32,
}

impl<G: Gauge> Weir<G> {
    pub fn new(gauges: Vec<G>, limit: i32) -> Self {
        Weir { gauges, limit }
    }

    /// The levels above the limit, in the order of the gauges.
    pub async fn alarms(&self) -> Vec<i32> {
        let mut high = Vec::new();
        for gauge in &self.gauges {
            let level = gauge.level().await;
            if level > self.limit {
                high.push(level);
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    struct Float(i32);

    impl Gauge for Float {
        fn level(&self) -> impl Future<Output = i32> {
            let mut waits = 2;
            poll_fn(move |_| {
                waits -= 1;
                if waits > 0 {
                    Poll::Pending
                } else {
                    Poll::Ready(self.0)
                }
            })
        }
    }

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
    fn only_what_is_above_the_limit_is_told_in_order() {
        let weir = Weir::new(vec![Float(210), Float(90), Float(150), Float(151)], 150);
        assert_eq!(block_on(weir.alarms()), [210, 151]);
        assert_eq!(block_on(Weir::new(vec![Float(3)], 3).alarms()), []);
    }
}
