//! What was read, day by day, and whether the archive of a day is complete and unaltered. It blocks: call it from a thread
//! of its own.

mod days;
mod error;
mod reader;
mod report;
mod verify;

pub use days::Days;
pub use error::VerifyError;
pub use reader::{ArchiveReader, Effort};
pub use report::{Report, fault_line};
pub use verify::Verification;

#[cfg(test)]
mod tests;
