use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

type Log = Arc<Mutex<BTreeMap<u32, Vec<i32>>>>;

fn watch(log: &Log, kiln: u32, readings: &[i32]) {
    for reading in readings {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.entry(kiln).or_default().push(*reading);
    }
}

/// The hottest reading of each kiln; every kiln is watched by a thread of its own.
pub fn peaks(kilns: &[(u32, Vec<i32>)]) -> Vec<(u32, i32)> {
    let log = Log::default();
    thread::scope(|scope| {
        for (kiln, readings) in kilns {
            let log = Arc::clone(&log);
            scope.spawn(move || watch(&log, *kiln, readings));
        }
    });
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.iter()
        .filter_map(|(kiln, readings)| Some((*kiln, *readings.iter().max()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kiln_has_its_own_peak() {
        let kilns = [
            (7, vec![880, 1010, 990]),
            (2, vec![1240]),
            (5, vec![]),
            (2, vec![1180, 1265]),
        ];
        assert_eq!(peaks(&kilns), [(2, 1265), (7, 1010)]);
    }
}
