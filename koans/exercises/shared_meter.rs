use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// One value with several owners.
#[derive(Clone)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub fn get(&self) -> &T {
        &self.0
    }
}

#[derive(Default)]
pub struct PowerMeter {
    watt_hours: AtomicU64,
}

impl PowerMeter {
    pub fn add(&self, watt_hours: u64) {
        self.watt_hours.fetch_add(watt_hours, Ordering::Relaxed);
    }

    pub fn total(&self) -> u64 {
        self.watt_hours.load(Ordering::Relaxed)
    }
}

/// One handle for each flat of the house, all of them on the same meter.
pub fn handles(flats: usize) -> Vec<Shared<PowerMeter>> {
    let meter = Shared(Arc::new(PowerMeter::default()));
    (0..flats).map(|_| meter.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_flats_count_on_the_same_meter() {
        let flats = handles(3);
        flats[0].get().add(40);
        flats[2].get().add(2);
        assert_eq!(flats[1].get().total(), 42);
        assert_eq!(flats.len(), 3);
    }
}
