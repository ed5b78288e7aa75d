//! Calls of a transactional producer that are repeated for as long as librdkafka says that repeating them is right.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult};

/// What is left until a deadline; never nothing, because a call without time fails in any case.
pub(super) fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(10))
}

/// Repeats a call until its deadline.
pub(super) fn repeat(
    deadline: Instant,
    mut call: impl FnMut() -> KafkaResult<()>,
) -> KafkaResult<()> {
    loop {
        match call() {
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && Instant::now() < deadline =>
            {
                // Some of these answers come at once: leave the coordinator a moment.
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}
