//! What the daemon does with Kafka: each role composes the pure stages and runs them in sessions.

pub mod clock;
pub mod daemon;
pub mod ingest;
pub mod inspection;
pub mod notify;
pub mod outbox;
pub mod outputs;
pub mod rulebook;
pub mod supervise;
