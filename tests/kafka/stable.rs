//! Watches the last stable offset, up to which `read_committed` consumers can read a topic, and measures how long
//! it did not move although there were records beyond it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;

use super::broker::Broker;

/// Reserve of every wait for a busy machine.
pub const BUSY: Duration = Duration::from_secs(15);

/// Longest time for which `read_committed` consumers wait, whatever happens to a session: until it gives up its
/// transaction (`transaction_timeout`, here 3 s) and aborts it, or a new producer ends it. If the process is
/// gone, the coordinator aborts it after the same time plus its check interval of a second (ten by default).
pub const LONGEST_STILL: Duration = Duration::from_secs(3 + 1).saturating_add(BUSY);

/// Pause between two requests for the offsets.
const PAUSE: Duration = Duration::from_millis(50);

const PATIENCE: Duration = Duration::from_secs(2);

/// A watch on one topic, on a thread of its own.
pub struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Watch {
    pub fn start(broker: &Broker, topic: &str, partitions: usize) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let client = |isolation: &str| -> BaseConsumer {
            ClientConfig::new()
                .set("bootstrap.servers", broker.bootstrap())
                .set("isolation.level", isolation)
                .create()
                .expect("a consumer")
        };
        let (all, stable) = (client("read_uncommitted"), client("read_committed"));
        let topic = topic.to_owned();
        let end = move |client: &BaseConsumer, partition: usize| -> KafkaResult<i64> {
            let (_, end) = client.fetch_watermarks(&topic, partition as i32, PATIENCE)?;
            Ok(end)
        };
        let thread = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                let mut last = vec![(Instant::now(), -1); partitions];
                let mut longest = Duration::ZERO;
                while !over.load(Ordering::Acquire) {
                    for (partition, (moved, offset)) in last.iter_mut().enumerate() {
                        // Asked in this order, the end is never older than the last stable offset.
                        let beyond = end(&all, partition);
                        let found = end(&stable, partition);
                        match (beyond, found) {
                            (Ok(beyond), Ok(found)) if found < beyond && found == *offset => {
                                longest = longest.max(moved.elapsed());
                            }
                            (_, Ok(found)) => (*moved, *offset) = (Instant::now(), found),
                            // Without a broker there is nobody to wait for it.
                            (_, Err(_)) => *moved = Instant::now(),
                        }
                    }
                    thread::sleep(PAUSE);
                }
                longest
            }
        });
        Watch { over, thread }
    }

    /// End the watch; returns the longest time that a partition stood still.
    pub fn stop(self) -> Duration {
        self.over.store(true, Ordering::Release);
        self.thread.join().expect("no panic")
    }
}
