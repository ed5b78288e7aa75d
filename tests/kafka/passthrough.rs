//! A worker that copies records, adds their position as a header and keeps a chain over them beside its
//! positions; sessions with it in this process; and checks of the outputs.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use watchbell::event::{NextOffset, Offset, OutputRecord, Partition};
use watchbell::kafka::session::{
    Commit, Gap, Kept, Lag, NotReady, Outputs, Records, Refusal, SessionConfig, SessionError,
    SessionObserver, Shutdown, SourceRecord, Worker, WorkerState, run,
};

use super::broker::Clusters;
use super::records::{Read, committed, committed_states, read_committed};
use super::{LIMIT, eventually};

/// A look at a record that may refuse its batch.
type Before = Box<dyn FnMut(&SourceRecord<'_>) -> Result<(), Refusal> + Send>;

/// Passes every record through; one that was refused goes to the dead letters, cut to nothing.
pub struct PassThrough {
    pub output: Arc<str>,
    pub dead_letters: Arc<str>,
    /// Called for each record before anything else.
    pub before: Before,
    chains: BTreeMap<Partition, Chain>,
}

/// The records of a partition that were processed since its position came without a state: where that
/// was, how many, and a sum that depends on their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    from: i64,
    count: u64,
    sum: u64,
}

impl Chain {
    pub fn from(from: i64) -> Chain {
        Chain {
            from,
            count: 0,
            sum: 0,
        }
    }

    /// The chain over these offsets, each once and in order.
    pub fn over(offsets: std::ops::Range<i64>) -> Chain {
        let mut chain = Chain::from(offsets.start);
        offsets.for_each(|offset| chain.add(offset));
        chain
    }

    fn add(&mut self, offset: i64) {
        self.count += 1;
        let offset = offset.cast_unsigned();
        self.sum = self.sum.wrapping_mul(31).wrapping_add(offset);
    }

    pub fn to_text(self) -> String {
        format!("{} {} {:x}", self.from, self.count, self.sum)
    }

    fn parse(text: &str) -> Option<Chain> {
        let mut words = text.split(' ');
        Some(Chain {
            from: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
            sum: u64::from_str_radix(words.next()?, 16).ok()?,
        })
    }
}

impl PassThrough {
    pub fn new(output: &str, dead_letters: &str) -> PassThrough {
        PassThrough {
            output: output.into(),
            dead_letters: dead_letters.into(),
            before: Box::new(|_| Ok(())),
            chains: BTreeMap::new(),
        }
    }
}

impl Worker for PassThrough {
    fn on_position(&mut self, partition: Partition, next: NextOffset, kept: Kept<'_>) {
        let state = kept.state_here();
        let chain = match state {
            Some(state) => Chain::parse(state.as_str()).expect("a chain"),
            None => Chain::from(next.0),
        };
        self.chains.insert(partition, chain);
    }

    fn state(&self, partition: Partition) -> Option<WorkerState> {
        let chain = self.chains.get(&partition).expect("a position first");
        WorkerState::new(chain.to_text())
    }

    fn on_batch(&mut self, batch: &mut dyn Records, outputs: &mut Outputs) -> Result<(), Refusal> {
        let mut index = 0;
        while let Some(source) = batch.next_record() {
            (self.before)(&source)?;
            let record = &source.record;
            let position = record.position;
            let chain = self.chains.get_mut(&position.partition);
            chain.expect("a position first").add(position.offset.0);
            let place = format!("{}:{}", position.partition.0, position.offset.0);
            let mut headers = vec![(Cow::Borrowed("place"), Some(place.into_bytes()))];
            let refused = source.refusals.and_then(|refusals| refusals.iter().next());
            let (topic, value) = match refused {
                None => (&self.output, record.value.map(<[u8]>::to_vec)),
                Some(refused) => {
                    let reason = refused.reason().as_bytes().to_vec();
                    headers.push((Cow::Borrowed("reason"), Some(reason)));
                    (&self.dead_letters, None)
                }
            };
            let record = OutputRecord {
                topic: Arc::clone(topic),
                key: record.key.map(<[u8]>::to_vec),
                value,
                headers,
            };
            outputs.of(index, |out| out.push_record(&record));
            index += 1;
        }
        Ok(())
    }
}

/// What an observer heard.
#[derive(Debug, Default)]
pub struct Heard {
    pub commits: AtomicU64,
    pub records: AtomicU64,
    pub aborts: Mutex<BTreeMap<&'static str, u64>>,
    pub gaps: Mutex<Vec<Gap>>,
    pub not_ready: Mutex<Option<NotReady>>,
    pub troubles: Mutex<Vec<&'static str>>,
    pub assigned: Mutex<Vec<Partition>>,
    pub quarantined: Mutex<Vec<(Partition, Offset)>>,
    pub lag: Mutex<BTreeMap<Partition, Lag>>,
    pub lost: AtomicU64,
    pub mirror_failures: AtomicU64,
}

impl Heard {
    pub fn is_ready(&self) -> bool {
        self.not_ready.lock().unwrap().is_none() && !self.assigned.lock().unwrap().is_empty()
    }
}

impl SessionObserver for Heard {
    fn assigned(&self, partitions: &[Partition]) {
        *self.assigned.lock().unwrap() = partitions.to_vec();
    }
    fn committed(&self, commit: Commit) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.records
            .fetch_add(commit.records as u64, Ordering::Relaxed);
    }
    fn aborted(&self, reason: &'static str) {
        *self.aborts.lock().unwrap().entry(reason).or_default() += 1;
    }
    fn readiness(&self, state: Option<&NotReady>) {
        if let Some(state) = state {
            self.troubles.lock().unwrap().push(state.reason);
        }
        *self.not_ready.lock().unwrap() = state.cloned();
    }
    fn lag(&self, partition: Partition, lag: Lag) {
        self.lag.lock().unwrap().insert(partition, lag);
    }
    fn positions_lost(&self, partitions: usize) {
        self.lost.fetch_add(partitions as u64, Ordering::Relaxed);
    }
    fn gap(&self, gap: Gap) {
        self.gaps.lock().unwrap().push(gap);
    }
    fn mirror_failed(&self, times: u64) {
        self.mirror_failures.fetch_add(times, Ordering::Relaxed);
    }
    fn quarantined(&self, partition: Partition, offset: Offset, _reason: &'static str) {
        self.quarantined.lock().unwrap().push((partition, offset));
    }
}

/// A session on a thread of this process.
pub struct Running {
    pub heard: Arc<Heard>,
    shutdown: Shutdown,
    thread: JoinHandle<Result<(), SessionError>>,
}

impl Running {
    pub fn start(config: &SessionConfig, mut worker: PassThrough) -> Running {
        let heard = Arc::new(Heard::default());
        let shutdown = Shutdown::default();
        let thread = std::thread::spawn({
            let (config, heard, shutdown) = (config.clone(), heard.clone(), shutdown.clone());
            move || run(&config, &mut worker, &shutdown, &*heard)
        });
        Running {
            heard,
            shutdown,
            thread,
        }
    }

    /// Ask the session to stop and wait for it.
    pub fn stop(self) -> Arc<Heard> {
        self.shutdown.request();
        let ended = self.thread.join().expect("no panic");
        ended.expect("a clean end");
        self.heard
    }

    /// Wait until the session stops by itself.
    pub fn wait(self) -> Result<(), SessionError> {
        let over = eventually(LIMIT, || self.thread.is_finished());
        assert!(over, "the session does not stop");
        self.thread.join().expect("no panic")
    }
}

/// The reason for which a session that starts now would stop, as seen from outside.
pub fn would_stop(config: &SessionConfig) -> Option<&'static str> {
    let found = watchbell::kafka::session::would_stop(config, &|| ());
    found.expect("an answer").map(|error| error.reason())
}

/// The names of one test's topics and group.
pub struct Setting {
    pub source_topic: String,
    pub output: String,
    pub dead_letters: String,
    pub config: SessionConfig,
}

impl Setting {
    /// Topics with four partitions, from the source to the destination cluster.
    pub fn across(clusters: &Clusters, name: &str) -> Setting {
        Setting::new(clusters, name, false)
    }

    /// The same within the destination cluster.
    pub fn within(clusters: &Clusters, name: &str) -> Setting {
        Setting::new(clusters, name, true)
    }

    fn new(clusters: &Clusters, name: &str, one: bool) -> Setting {
        let name = super::records::unique(name);
        let partitions = 4;
        let from = if one {
            &clusters.destination
        } else {
            &clusters.source
        };
        let setting = Setting {
            source_topic: format!("{name}.source"),
            output: format!("{name}.out"),
            dead_letters: format!("{name}.dead"),
            config: {
                let to = clusters.destination.cluster();
                let topic = format!("{name}.source");
                let mut config = SessionConfig::new(from.cluster(), to, &name, topic);
                config.group = name.clone();
                config.transaction_timeout_ms = 3_000;
                config.session_timeout_ms = 14_000;
                config
            },
        };
        super::records::create(from, &setting.source_topic, partitions as u32);
        super::records::create(&clusters.destination, &setting.output, 3);
        super::records::create(&clusters.destination, &setting.dead_letters, 1);
        setting
    }

    /// Lag and what depends on it twice a second, not every five.
    pub fn look_often(&mut self) {
        let properties = &mut self.config.source.properties;
        properties.insert("statistics.interval.ms".into(), "500".into());
    }

    pub fn worker(&self) -> PassThrough {
        PassThrough::new(&self.output, &self.dead_letters)
    }

    /// The topic under whose name positions are committed.
    pub fn ownership_topic(&self) -> String {
        if self.config.source == self.config.destination {
            self.source_topic.clone()
        } else {
            watchbell::kafka::topics::ownership_topic(&self.config.source_name)
        }
    }

    /// Wait until the group has committed all of the source.
    pub fn wait_for(&self, clusters: &Clusters, written: &[u64], limit: Duration) {
        let topic = self.ownership_topic();
        let expected: Vec<i64> = written.iter().map(|n| *n as i64).collect();
        let mut last = Vec::new();
        let done = eventually(limit, || {
            last = committed(
                &clusters.destination,
                &self.config.group,
                &topic,
                expected.len(),
            );
            last == expected
        });
        assert!(done, "committed {last:?} of {expected:?}");
    }

    /// What the worker keeps beside its positions, by partition.
    pub fn states(&self, clusters: &Clusters, partitions: usize) -> Vec<Option<String>> {
        let topic = self.ownership_topic();
        let group = &self.config.group;
        committed_states(&clusters.destination, group, &topic, partitions)
    }

    /// Beside the position of each partition stands the chain over its records from `from` on, each once
    /// and in order, whatever was aborted or processed twice meanwhile.
    pub fn check_states(&self, clusters: &Clusters, from: i64, written: &[u64]) {
        let chains = written.iter().map(|count| Chain::over(from..*count as i64));
        let expected: Vec<_> = chains.map(|chain| Some(chain.to_text())).collect();
        assert_eq!(self.states(clusters, written.len()), expected);
    }

    /// Every source record in outputs or dead letters, perhaps more than once.
    pub fn check_nothing_missing(&self, clusters: &Clusters, written: &[u64]) {
        let outputs = read_committed(&clusters.destination, &self.output);
        let dead = read_committed(&clusters.destination, &self.dead_letters);
        let seen: HashSet<_> = outputs.iter().chain(&dead).map(place).collect();
        check_complete(&seen, written);
        let repeated = outputs.len() + dead.len() - seen.len();
        println!(
            "  {} records, none missing, {repeated} outputs repeated",
            seen.len()
        );
    }

    /// Every source record exactly once in outputs or dead letters, in order.
    pub fn check_exactly_once(&self, clusters: &Clusters, written: &[u64]) {
        let outputs = read_committed(&clusters.destination, &self.output);
        let dead = read_committed(&clusters.destination, &self.dead_letters);
        let mut seen = HashSet::new();
        let mut order: HashMap<(i32, usize), u64> = HashMap::new();
        for read in outputs.iter().chain(&dead) {
            let place = place(read);
            assert!(seen.insert(place), "record {place:?} appears twice");
            // Dead letters have an order of their own.
            if read.value.is_some() {
                let lane = (read.partition, place.0);
                let before = order.insert(lane, place.1);
                assert!(
                    before.is_none_or(|before| before < place.1),
                    "record {place:?} after {before:?} in output partition {}",
                    read.partition
                );
            }
        }
        check_complete(&seen, written);
        println!("  {} records, each exactly once, in order", seen.len());
    }
}

fn check_complete(seen: &HashSet<(usize, u64)>, written: &[u64]) {
    for (partition, count) in written.iter().enumerate() {
        for number in 0..*count {
            assert!(
                seen.contains(&(partition, number)),
                "record {partition}:{number} is missing"
            );
        }
    }
    assert_eq!(seen.len() as u64, written.iter().sum::<u64>());
}

fn place(read: &Read) -> (usize, u64) {
    let place = read.header("place").expect("a place");
    let (partition, offset) = place.split_once(':').expect("partition:offset");
    (partition.parse().unwrap(), offset.parse().unwrap())
}
