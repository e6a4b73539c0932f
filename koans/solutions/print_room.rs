use std::collections::HashMap;

pub struct PrintJob {
    pub owner: String,
    pub pages: u32,
}

#[derive(Default)]
pub struct PrintRoom {
    waiting: Vec<PrintJob>,
    pages_of: HashMap<String, u32>,
}

impl PrintRoom {
    pub fn submit(&mut self, owner: &str, pages: u32) {
        let owner = owner.to_string();
        self.waiting.push(PrintJob { owner, pages });
    }

    fn charge(&mut self, owner: &str, pages: u32) {
        *self.pages_of.entry(owner.to_string()).or_insert(0) += pages;
    }

    /// Prints everything that waits and returns how many jobs that were.
    pub fn print_all(&mut self) -> usize {
        let jobs = std::mem::take(&mut self.waiting);
        for job in &jobs {
            self.charge(&job.owner, job.pages);
        }
        jobs.len()
    }

    pub fn pages_of(&self, owner: &str) -> u32 {
        self.pages_of.get(owner).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_pays_once_for_what_was_printed() {
        let mut room = PrintRoom::default();
        room.submit("mira", 12);
        room.submit("joel", 3);
        room.submit("mira", 5);
        assert_eq!(room.print_all(), 3);
        assert_eq!(room.print_all(), 0);
        assert_eq!(room.pages_of("mira"), 17);
        assert_eq!(room.pages_of("joel"), 3);
    }
}
