//! Stops a service when it is told to.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

pub struct Service {
    stop: Arc<AtomicBool>,
}

impl Service {
    pub fn new() -> io::Result<Service> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::SIGTERM, signal_hook::SIGUSR1] {
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        Ok(Service { stop })
    }

    pub fn is_running(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs() {
        assert!(Service::new().unwrap().is_running());
    }
}
