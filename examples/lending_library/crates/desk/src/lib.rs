//! The evening shift at the lending desk, one command a line.

pub mod command;
pub mod executor;
pub mod input;
pub mod report;
pub mod session;
