//! A worker that passes records through with their position in a header, sessions around it in
//! this process or in a child that can be killed, and the check of what came out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use watchbell::event::{Offset, OutputRecord, Partition};
use watchbell::kafka::Cluster;
use watchbell::kafka::session::{
    Commit, Delivery, Gap, Lag, NotReady, Outputs, Refusal, SessionConfig, SessionError,
    SessionObserver, Shutdown, SourceRecord, Worker, run,
};

use super::broker::{Clusters, signal_process};
use super::eventually;
use super::records::{Read, committed, read_committed};

/// A look at a record that may refuse its batch.
type Before = Box<dyn FnMut(&SourceRecord<'_>) -> Result<(), Refusal> + Send>;

/// Passes every record through; a quarantined one goes to the dead letters, cut to nothing.
pub struct PassThrough {
    pub output: Arc<str>,
    pub dead_letters: Arc<str>,
    /// Called for each record before anything else.
    pub before: Before,
}

impl PassThrough {
    pub fn new(output: &str, dead_letters: &str) -> PassThrough {
        PassThrough {
            output: output.into(),
            dead_letters: dead_letters.into(),
            before: Box::new(|_| Ok(())),
        }
    }
}

impl Worker for PassThrough {
    fn on_batch(
        &mut self,
        batch: &[SourceRecord<'_>],
        outputs: &mut Outputs,
    ) -> Result<(), Refusal> {
        for (index, source) in batch.iter().enumerate() {
            (self.before)(source)?;
            let record = &source.record;
            let position = record.position;
            let place = format!("{}:{}", position.partition.0, position.offset.0);
            let mut headers = vec![(Cow::Borrowed("place"), Some(place.into_bytes()))];
            let (topic, value) = match source.quarantine {
                None => (&self.output, record.value.map(<[u8]>::to_vec)),
                Some(quarantine) => {
                    let reason = quarantine.reason.as_bytes().to_vec();
                    headers.push((Cow::Borrowed("reason"), Some(reason)));
                    (&self.dead_letters, None)
                }
            };
            outputs.push(
                index,
                OutputRecord {
                    topic: Arc::clone(topic),
                    key: record.key.map(<[u8]>::to_vec),
                    value,
                    headers,
                },
            );
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
        let over = eventually(Duration::from_secs(40), || self.thread.is_finished());
        assert!(over, "the session does not stop");
        self.thread.join().expect("no panic")
    }
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

    /// Every source record exactly once in outputs or dead letters, in order.
    pub fn check_exactly_once(&self, clusters: &Clusters, written: &[u64]) {
        let counts = self.count(clusters, written);
        let repeated = counts.values().filter(|count| **count > 1).count();
        assert_eq!(repeated, 0, "records appear twice");
        println!("  {} records, each exactly once, in order", counts.len());
    }

    /// Every source record at least once.
    pub fn check_at_least_once(&self, clusters: &Clusters, written: &[u64]) {
        let counts = self.count(clusters, written);
        let copies: u64 = counts.values().sum();
        println!(
            "  {} records, none missing, {} repeated",
            counts.len(),
            copies - counts.len() as u64
        );
    }

    /// How often each record came out; all are there, and first appearances are in order.
    fn count(&self, clusters: &Clusters, written: &[u64]) -> HashMap<(usize, u64), u64> {
        let outputs = read_committed(&clusters.destination, &self.output);
        let dead = read_committed(&clusters.destination, &self.dead_letters);
        let mut counts = HashMap::new();
        let mut order: HashMap<(i32, usize), u64> = HashMap::new();
        for read in outputs.iter().chain(&dead) {
            let place = place(read);
            let count = counts.entry(place).or_default();
            *count += 1;
            // Dead letters have an order of their own.
            if *count == 1 && read.value.is_some() {
                let lane = (read.partition, place.0);
                let before = order.insert(lane, place.1);
                assert!(
                    before.is_none_or(|before| before < place.1),
                    "record {place:?} after {before:?} in output partition {}",
                    read.partition
                );
            }
        }
        for (partition, count) in written.iter().enumerate() {
            for number in 0..*count {
                assert!(
                    counts.contains_key(&(partition, number)),
                    "record {partition}:{number} is missing"
                );
            }
        }
        assert_eq!(counts.len() as u64, written.iter().sum::<u64>());
        counts
    }
}

fn place(read: &Read) -> (usize, u64) {
    let place = read.header("place").expect("a place");
    let (partition, offset) = place.split_once(':').expect("partition:offset");
    (partition.parse().unwrap(), offset.parse().unwrap())
}

const CHILD: &str = "WATCHBELL_TEST_CHILD";

/// A session in a process of its own.
pub struct ChildSession(Child);

impl ChildSession {
    /// Start this test binary again, as a session.
    pub fn start(setting: &Setting, ordinal: u32) -> ChildSession {
        ChildSession::start_with_fuse(setting, ordinal, 0)
    }

    /// The same, but it dies at once while it processes its `fuse`th record (0: never): the batch
    /// before that record's is then in an open transaction.
    pub fn start_with_fuse(setting: &Setting, ordinal: u32, fuse: u64) -> ChildSession {
        let config = &setting.config;
        let delivery = match config.delivery {
            Delivery::ExactlyOnce => "exactly_once",
            Delivery::AtLeastOnce => "at_least_once",
        };
        let told = [
            config.source.bootstrap.as_str(),
            config.destination.bootstrap.as_str(),
            config.source_name.as_str(),
            config.source_topic.as_str(),
            setting.output.as_str(),
            setting.dead_letters.as_str(),
            delivery,
            &ordinal.to_string(),
            &fuse.to_string(),
        ]
        .join(" ");
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "passthrough::a_child_runs_the_session_it_is_told",
                "--nocapture",
            ])
            .env(CHILD, told)
            .stdout(Stdio::null())
            .spawn()
            .expect("start a child");
        ChildSession(child)
    }

    /// Send a signal by name.
    pub fn signal(&self, signal: &str) {
        signal_process(self.0.id(), signal);
    }

    /// Wait until the session has died by its own hand.
    pub fn wait_for_death(mut self) {
        let mut status = None;
        let dead = eventually(Duration::from_secs(60), || {
            status = self.0.try_wait().expect("a child");
            status.is_some()
        });
        assert!(dead, "the session lives on");
        assert!(!status.is_some_and(|status| status.success()), "{status:?}");
    }

    pub fn kill(mut self) {
        self.0.kill().expect("kill -9");
        self.0.wait().expect("a dead child");
    }

    /// SIGTERM, and a clean end within the budget.
    pub fn terminate(mut self) {
        signal_process(self.0.id(), "TERM");
        let mut status = None;
        let ended = eventually(Duration::from_secs(30), || {
            status = self.0.try_wait().expect("a child");
            status.is_some()
        });
        if !ended {
            let _ = self.0.kill();
        }
        assert!(ended, "the session does not end within its budget");
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }
}

impl Drop for ChildSession {
    /// A failed test leaves no sessions behind.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test of its own: what [`ChildSession`] runs. Without its orders it has nothing to do.
#[test]
fn a_child_runs_the_session_it_is_told() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let told: Vec<&str> = told.split(' ').collect();
    let [
        source,
        destination,
        name,
        topic,
        output,
        dead_letters,
        delivery,
        ordinal,
        fuse,
    ] = told[..]
    else {
        panic!("orders: {told:?}")
    };
    let to = Cluster::plaintext(destination);
    let mut config = SessionConfig::new(Cluster::plaintext(source), to, name, topic);
    config.group = name.to_owned();
    config.transaction_timeout_ms = 3_000;
    config.session_timeout_ms = 14_000;
    config.ordinal = ordinal.parse().unwrap();
    // One transaction after the other, so that a kill hits one that is open.
    config.commit_interval_ms = 5;
    let properties = &mut config.destination.properties;
    properties.insert("linger.ms".into(), "1".into());
    if delivery == "at_least_once" {
        config.delivery = Delivery::AtLeastOnce;
    }
    let shutdown = Shutdown::default();
    std::thread::spawn({
        let shutdown = shutdown.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let kind = tokio::signal::unix::SignalKind::terminate();
                tokio::signal::unix::signal(kind).unwrap().recv().await;
            });
            shutdown.request();
        }
    });
    let mut worker = PassThrough::new(output, dead_letters);
    let fuse: u64 = fuse.parse().unwrap();
    if fuse > 0 {
        config.commit_records = 500;
        let mut seen = 0;
        worker.before = Box::new(move |_| {
            seen += 1;
            if seen == fuse {
                // Not to wait for anything, but to let the batch before reach the broker.
                std::thread::sleep(Duration::from_millis(50));
                std::process::abort();
            }
            Ok(())
        });
    }
    run(&config, &mut worker, &shutdown, &Heard::default()).expect("a clean end");
}
