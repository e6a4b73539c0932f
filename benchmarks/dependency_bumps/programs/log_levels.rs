//! Counts what is logged.

use std::cell::Cell;

use log::{LogLevel, LogLevelFilter};

pub struct Counter {
    filter: LogLevelFilter,
    errors: Cell<u32>,
}

impl Counter {
    pub fn new(filter: LogLevelFilter) -> Counter {
        Counter { filter, errors: Cell::new(0) }
    }

    pub fn see(&self, level: LogLevel) -> bool {
        if level == LogLevel::Error {
            self.errors.set(self.errors.get() + 1);
        }
        level <= self.filter
    }

    pub fn errors(&self) -> u32 {
        self.errors.get()
    }
}

pub fn level_of(name: &str) -> Option<LogLevel> {
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let counter = Counter::new("warn".parse().unwrap());
        assert!(counter.see(level_of("error").unwrap()));
        assert!(!counter.see(level_of("INFO").unwrap()));
        assert_eq!((counter.errors(), level_of("loud")), (1, None));
    }
}
