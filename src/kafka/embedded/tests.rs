use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::*;
use crate::event::{NextOffset, Partition};
use crate::kafka::session::{
    Commit, DEFAULT_POSITIONS_TOPIC, Delivery, Kept, Outputs, Records, Refusal, SessionConfig,
    SessionObserver, Shutdown, Worker, WorkerState, run,
};

/// Doubles each value, and counts what it is asked.
#[derive(Default)]
struct Doubler {
    begun: usize,
    batches: usize,
}

impl Worker for Doubler {
    fn on_begin(&mut self) {
        self.begun += 1;
    }

    fn on_batch(&mut self, batch: &mut dyn Records, outputs: &mut Outputs) -> Result<(), Refusal> {
        assert!(self.begun > 0, "a batch without a beginning");
        self.batches += 1;
        let mut index = 0;
        while let Some(source) = batch.next_record() {
            let value = source.record.value.unwrap_or_default();
            outputs.of(index, |out| {
                out.push(&Arc::from("out"), None, [], |twice| {
                    twice.extend([value, value].concat());
                });
            });
            index += 1;
        }
        Ok(())
    }
}

/// Stops the session when enough records are committed.
struct StopAfter {
    least: usize,
    records: AtomicUsize,
    commits: AtomicUsize,
    shutdown: Shutdown,
}

impl SessionObserver for StopAfter {
    fn committed(&self, commit: Commit) {
        self.commits.fetch_add(1, Relaxed);
        let before = self.records.fetch_add(commit.records, Relaxed);
        if before + commit.records >= self.least {
            self.shutdown.request();
        }
    }
}

/// A cluster with a source `in`, whose partitions hold the numbers from 0 on, and a session that reads it.
fn filled(partitions: i32, records: u32) -> (Embedded, SessionConfig) {
    let embedded = Embedded::start().expect("a cluster");
    let count = partitions.cast_unsigned();
    embedded.create_topic("in", count).expect("a topic");
    embedded.create_topic("out", 1).expect("a topic");
    let positions = DEFAULT_POSITIONS_TOPIC;
    embedded.create_topic(positions, 1).expect("a topic");
    let values: Vec<Vec<u8>> = (0..records).map(|n| n.to_be_bytes().to_vec()).collect();
    for partition in 0..partitions {
        let values = values.iter().map(Vec::as_slice);
        embedded.produce("in", partition, values).expect("records");
    }
    let cluster = embedded.cluster();
    let mut config = SessionConfig::new(cluster.clone(), cluster, "demo", "in");
    config.delivery = Delivery::AtLeastOnce;
    // Longer than processing takes, so that a transaction has several batches.
    config.commit_interval_ms = 1_000;
    (embedded, config)
}

/// Run a session until it has committed at least so many records.
fn run_until_committed<W: Worker + Send>(
    config: &SessionConfig,
    worker: &mut W,
    records: usize,
) -> StopAfter {
    let shutdown = Shutdown::default();
    let observer = StopAfter {
        least: records,
        records: 0.into(),
        commits: 0.into(),
        shutdown: shutdown.clone(),
    };
    thread::scope(|scope| {
        let session = || run(config, worker, &shutdown, &observer).expect("a clean end");
        let session = scope.spawn(session);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !session.is_finished() {
            if Instant::now() >= deadline {
                shutdown.request();
            }
            thread::sleep(Duration::from_millis(10));
        }
    });
    let committed = observer.records.load(Relaxed);
    assert!(committed >= records, "{committed} of {records} records");
    observer
}

#[test]
fn a_session_runs_on_the_embedded_cluster_and_begins_a_transaction_once_for_all_its_batches() {
    let (embedded, config) = filled(2, 500);
    let mut worker = Doubler::default();
    let observer = run_until_committed(&config, &mut worker, 1_000);
    let cluster = embedded.cluster();
    let reader: BaseConsumer<_> = cluster.probe().expect("a client");
    let (first, end) = reader
        .fetch_watermarks("out", 0, Duration::from_secs(5))
        .expect("offsets");
    assert_eq!(end - first, 1_000);
    assert_eq!(worker.begun, observer.commits.into_inner());
    assert!(worker.batches > worker.begun, "{} batches", worker.batches);
}

/// Keeps beside each position how many records come before it, and a sum that depends on their order.
#[derive(Default)]
struct Chaining {
    chains: BTreeMap<Partition, (i64, u64)>,
    /// The positions that were given to it, with the records of the partition it had processed by then.
    given: Vec<(NextOffset, i64)>,
    /// Records until it refuses a batch, once.
    until_refusal: Option<usize>,
}

impl Chaining {
    /// The chain over the first `count` records of a partition.
    fn over(count: i64) -> (i64, u64) {
        let values = (0..u32::try_from(count).expect("a count")).map(u32::to_be_bytes);
        values.fold((0, 0), |chain, value| Chaining::link(chain, &value))
    }

    fn link((count, sum): (i64, u64), value: &[u8]) -> (i64, u64) {
        let add = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
        (count + 1, value.iter().fold(sum, add))
    }

    fn state_of((count, sum): (i64, u64)) -> Option<WorkerState> {
        WorkerState::new(format!("{count} {sum:016x}"))
    }
}

impl Worker for Chaining {
    fn on_position(&mut self, partition: Partition, next: NextOffset, kept: Kept<'_>) {
        let state = kept.state_here();
        let chain = Chaining::over(next.0);
        let expected = Chaining::state_of(chain).filter(|_| next.0 > 0);
        assert_eq!(state, expected.as_ref(), "at {next:?} of {partition:?}");
        let before = self.chains.insert(partition, chain).unwrap_or_default();
        self.given.push((next, before.0));
    }

    fn on_batch(&mut self, batch: &mut dyn Records, _outputs: &mut Outputs) -> Result<(), Refusal> {
        let mut records = 0;
        while let Some(source) = batch.next_record() {
            records += 1;
            let partition = source.record.position.partition;
            let chain = self.chains.get_mut(&partition).expect("a position first");
            *chain = Chaining::link(*chain, source.record.value.unwrap_or_default());
        }
        let left = self.until_refusal.map(|left| left.checked_sub(records));
        self.until_refusal = left.flatten();
        match left {
            Some(None) => Err(Refusal {
                reason: "forced",
                detail: "by the test".into(),
            }),
            _ => Ok(()),
        }
    }

    fn state(&self, partition: Partition) -> Option<WorkerState> {
        Chaining::state_of(self.chains[&partition])
    }
}

#[test]
fn after_an_abort_a_worker_gets_the_state_back_that_was_committed_and_not_the_newer_one() {
    let (_embedded, mut config) = filled(2, 2_000);
    config.commit_records = 600;
    let mut worker = Chaining {
        until_refusal: Some(1_700),
        ..Chaining::default()
    };
    run_until_committed(&config, &mut worker, 4_000);
    // Both partitions begin at 0, and go back from records that were processed and not committed.
    let (started, aborted) = worker.given.split_at(2);
    assert_eq!(started, [(NextOffset(0), 0); 2]);
    assert_eq!(aborted.len(), 2, "{aborted:?}");
    let is_committed = |(next, _): &(NextOffset, i64)| next.0 > 0;
    assert!(aborted.iter().any(is_committed), "{aborted:?}");
    let is_newer = |(next, processed): &(NextOffset, i64)| next.0 < *processed;
    assert!(aborted.iter().any(is_newer), "{aborted:?}");
    let whole = [Chaining::over(2_000); 2];
    assert!(worker.chains.into_values().eq(whole));
}
