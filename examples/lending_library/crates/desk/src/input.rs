//! Where commands come from: a file, a terminal, a test.

use std::collections::VecDeque;
use std::future;
use std::task::Poll;

/// Lines that arrive one by one. Blank lines and comments are skipped.
#[derive(Debug, Default)]
pub struct CommandLines {
    waiting: VecDeque<String>,
}

impl CommandLines {
    pub fn new(text: &str) -> CommandLines {
        CommandLines {
            waiting: text.lines().map(str::to_string).collect(),
        }
    }

    /// The next line that says something.
    pub async fn next_line(&mut self) -> Option<String> {
        loop {
            let line = self.receive().await?;
            let content = line.trim();
            if !content.is_empty() && !content.starts_with('#') {
                return Some(content.to_string());
            }
        }
    }

    async fn receive(&mut self) -> Option<String> {
        yield_once().await;
        self.waiting.pop_front()
    }
}

/// Lets the executor look after something else first.
async fn yield_once() {
    let mut yielded = false;
    future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::block_on;

    #[test]
    fn comments_are_no_commands() {
        let mut lines = CommandLines::new("# shift\n\n  day 3 \n");
        assert_eq!(block_on(lines.next_line()).as_deref(), Some("day 3"));
        assert_eq!(block_on(lines.next_line()), None);
    }
}
