//! Writes records continuously while a test does something else, and measures the longest time for which
//! the last stable offset of an output did not move.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use watchbell::kafka::topics::Topics;

use super::audit::Audit;
use super::broker::Broker;
use super::{LIMIT, eventually};

/// A source that is written to until it is stopped.
pub struct Flow {
    audit: Option<Arc<Mutex<Audit>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flow {
    /// Write some 400 records a second.
    pub fn start(audit: Audit) -> Flow {
        let audit = Arc::new(Mutex::new(audit));
        let stop = Arc::new(AtomicBool::new(false));
        let (source, stopped) = (Arc::clone(&audit), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                source.lock().expect("the source").write(4);
                // Sets the rate of the source; this is no synchronisation.
                thread::sleep(Duration::from_millis(10));
            }
        });
        Flow {
            audit: Some(audit),
            stop,
            thread: Some(thread),
        }
    }

    /// The source, which waits meanwhile.
    pub fn audit(&self) -> MutexGuard<'_, Audit> {
        let audit = self.audit.as_ref().expect("it flows");
        audit.lock().expect("the source")
    }

    /// Write no more, and wait until everything is stored.
    pub fn stop(mut self) -> Audit {
        self.end();
        let audit = self.audit.take().and_then(Arc::into_inner);
        let audit = audit.expect("nobody else writes");
        let audit = audit.into_inner().expect("the source");
        audit.flush();
        audit
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the writer of the source");
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The ends of a topic's partitions, as `read_committed` consumers and others see them.
pub struct Ends {
    committed: BaseConsumer,
    written: BaseConsumer,
    topic: String,
    partitions: i32,
}

impl Ends {
    pub fn of(broker: &Broker, topic: &str, partitions: i32) -> Ends {
        let client = |isolation: &str| {
            ClientConfig::new()
                .set("bootstrap.servers", broker.bootstrap())
                .set("isolation.level", isolation)
                .create()
                .expect("a client")
        };
        Ends {
            committed: client("read_committed"),
            written: client("read_uncommitted"),
            topic: topic.to_owned(),
            partitions,
        }
    }

    /// The last stable offset of each partition; `None` where nobody answers.
    pub fn stable(&self) -> Vec<Option<i64>> {
        self.ask(&self.committed)
    }

    /// The end of each partition with all that is not committed.
    pub fn written(&self) -> Vec<Option<i64>> {
        self.ask(&self.written)
    }

    /// Whether some partition ends in an open transaction.
    pub fn is_open(&self) -> bool {
        // Asked in this order, records between the two offsets were not committed yet.
        let written = self.written();
        let stable = self.stable();
        let mut both = stable.iter().zip(&written);
        both.any(|(stable, written)| stable.is_some() && stable < written)
    }

    /// Whether no partition ends in an open transaction.
    fn is_settled(&self) -> bool {
        // Asked in this order, a partition is settled if both offsets are the same.
        let written = self.written();
        let stable = self.stable();
        let mut both = stable.iter().zip(&written);
        both.all(|(stable, written)| written.is_some() && stable >= written)
    }

    /// Whether `read_committed` consumers see more in some partition than they did.
    pub fn have_moved(&self, before: &[Option<i64>]) -> bool {
        let now = self.stable();
        let mut both = now.iter().zip(before);
        both.any(|(now, before)| before.is_some() && now > before)
    }

    fn ask(&self, client: &BaseConsumer) -> Vec<Option<i64>> {
        let end = |partition| {
            let timeout = Duration::from_secs(1);
            let bounds = client.fetch_watermarks(&self.topic, partition, timeout);
            bounds.ok().map(|(_, end)| end)
        };
        (0..self.partitions).map(end).collect()
    }
}

/// Writes until a transaction is seen to be open.
pub fn write_until_open(audit: &mut Audit, ends: &Ends) {
    let open = eventually(LIMIT, || {
        audit.write(400);
        audit.flush();
        // A transaction may be open for less time than lies between two looks.
        eventually(Duration::from_secs(5), || ends.is_open())
    });
    assert!(open, "no transaction is seen to be open");
}

/// Wait until `read_committed` consumers see all that is committed in a topic: a commit is answered a moment before
/// its end is written to the topics. Nobody may have a transaction open for long.
pub fn settle(broker: &Broker, topic: &str) {
    let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
    let partitions = topics.partitions(topic).expect("an answer");
    let partitions = partitions.and_then(|count| i32::try_from(count).ok());
    let ends = Ends::of(broker, topic, partitions.expect("a topic"));
    let settled = eventually(LIMIT, || ends.is_settled());
    assert!(settled, "a transaction stays open in {topic}");
}

/// Reads a topic like a `read_committed` consumer, and measures for how long there was nothing new.
pub struct Pulse {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Pulse {
    /// Read from now on; of these partitions all are expected to have something new all the time.
    pub fn start(broker: &Broker, topic: &str, partitions: i32) -> Pulse {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("group.id", "watchbell-test-pulse")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .create()
            .expect("a consumer");
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::End)
                .expect("a list");
        }
        consumer.assign(&list).expect("assign");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut moved = vec![Instant::now(); list.count()];
            let mut longest = vec![Duration::ZERO; list.count()];
            while !stopped.load(Ordering::Relaxed) {
                // A broker that is away is what this is about.
                let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else {
                    continue;
                };
                let partition = usize::try_from(message.partition()).expect("a partition");
                let still = moved[partition].elapsed();
                longest[partition] = longest[partition].max(still);
                moved[partition] = Instant::now();
            }
            let last = moved.iter().zip(longest);
            last.map(|(moved, longest)| longest.max(moved.elapsed()))
                .collect()
        });
        Pulse { stop, thread }
    }

    /// Read no more; for how long each partition had nothing new at most.
    pub fn stop(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the reader")
    }
}
