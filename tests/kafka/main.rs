//! Delivery on real brokers: cargo test --test kafka (needs a JVM and Maven).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What operators and time do to topics and groups.
mod admin;
/// Apache Kafka, started and restarted.
mod broker;
/// What must hold of a session's outputs, and the worker that makes them.
mod passthrough;
/// Writing sources, reading outputs.
mod records;

/// Nothing lost, nothing twice: kill -9, SIGTERM, rebalances, broker restarts, aborts.
mod delivery;
/// Lag, and what is done about it on the source cluster.
mod lag;
/// A group that has lost its positions.
mod lost;
/// Positions shown and moved from outside.
mod offsets;
/// Where a source begins, and what happens when its records are gone.
mod positions;
/// A source that is not what it was, and records that are merely gone.
mod recreated;
/// Records and topics that cannot be written.
mod refusals;

use std::time::{Duration, Instant};

/// Try until it holds or the time is over.
pub fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
