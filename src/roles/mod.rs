//! The running daemon: each role composes the pure stages with Kafka, and `daemon` runs them together.

#[cfg(feature = "archive")]
pub mod archive;
pub mod clock;
pub mod daemon;
pub mod ingest;
pub mod inspection;
pub mod notify;
pub mod outbox;
pub mod outputs;
#[cfg(feature = "archive")]
pub mod page;
pub mod rulebook;
pub mod supervise;
