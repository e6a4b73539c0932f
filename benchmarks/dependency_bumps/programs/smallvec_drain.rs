//! A queue that mostly holds few jobs.

use smallvec::SmallVec;

#[derive(Default)]
pub struct Queue {
    waiting: SmallVec<[u32; 4]>,
    pub done: Vec<u32>,
}

impl Queue {
    pub fn add(&mut self, job: u32) {
        self.waiting.push(job);
    }

    pub fn work(&mut self) -> usize {
        let before = self.done.len();
        for job in self.waiting.drain() {
            self.done.push(job * 10);
        }
        self.done.len() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_once() {
        let mut queue = Queue::default();
        queue.add(1);
        queue.add(2);
        assert_eq!((queue.work(), queue.work()), (2, 0));
        assert_eq!(queue.done, [10, 20]);
    }
}
