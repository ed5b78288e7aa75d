//! The first figure: how fast a session moves 2.2 KB records from one topic to another of the same
//! broker, exactly once, and what that costs. cargo bench --bench passthrough -- [records] [rounds]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use watchbell::event::OutputRecord;
use watchbell::kafka::session::{
    Commit, Delivery, Outputs, Refusal, SessionConfig, SessionObserver, Shutdown, SourceRecord,
    Worker, run,
};
use watchbell::kafka::topics::{Topics, WantedTopic};

use broker::Broker;

#[allow(dead_code)]
#[path = "../tests/kafka/broker.rs"]
mod broker;

const SOURCE: &str = "bench.source";
const PARTITIONS: u32 = 4;
const RECORD_BYTES: usize = 2_200;

/// Try until it holds or the time is over; the harness asks for it.
fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

struct PassThrough(Arc<str>);

impl Worker for PassThrough {
    fn on_batch(
        &mut self,
        batch: &[SourceRecord<'_>],
        outputs: &mut Outputs,
    ) -> Result<(), Refusal> {
        for (index, source) in batch.iter().enumerate() {
            outputs.push(
                index,
                OutputRecord {
                    topic: Arc::clone(&self.0),
                    key: source.record.key.map(<[u8]>::to_vec),
                    value: source.record.value.map(<[u8]>::to_vec),
                    headers: Vec::new(),
                },
            );
        }
        Ok(())
    }
}

struct Meter {
    records: AtomicU64,
    commits: AtomicU64,
    commit_us: AtomicU64,
    wanted: u64,
    shutdown: Shutdown,
}

impl SessionObserver for Meter {
    fn committed(&self, commit: Commit) {
        let before = self
            .records
            .fetch_add(commit.records as u64, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        let latency_us = u64::try_from(commit.latency.as_micros()).unwrap_or(u64::MAX);
        self.commit_us.fetch_add(latency_us, Ordering::Relaxed);
        if before + commit.records as u64 >= self.wanted {
            self.shutdown.request();
        }
    }
    fn aborted(&self, reason: &'static str) {
        println!("  aborted: {reason}");
    }
}

/// CPU seconds of this process so far, from /proc/self/stat (clock ticks of 10 ms).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .expect("VmHWM");
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

/// Text that compresses about as well as audit events do.
fn fill(broker: &Broker, records: u64) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("compression.type", "lz4")
        .set("queue.buffering.max.kbytes", "65536")
        .create()
        .expect("a producer");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..records {
        let mut value = String::with_capacity(RECORD_BYTES + 64);
        while value.len() < RECORD_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            value +=
                &format!(r#"{{"id":"{state:016x}","methodName":"mds.Authorize","granted":true,"#);
        }
        let key = format!("u-{}", number % 500);
        let partition = (number % u64::from(PARTITIONS)) as i32;
        let mut record = BaseRecord::to(SOURCE)
            .partition(partition)
            .key(&key)
            .payload(&value);
        while let Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) =
            producer.send(record)
        {
            record = back;
            producer.poll(Duration::from_millis(5));
        }
        if number % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(120)).expect("flush");
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let records = numbers.first().copied().unwrap_or(400_000);
    let rounds = numbers.get(1).copied().unwrap_or(3);
    let broker = Broker::start();
    let topics = Topics::new(&broker.cluster(), Duration::from_secs(10)).expect("an admin client");
    topics
        .create(&WantedTopic::new(SOURCE, PARTITIONS))
        .expect("a topic");
    fill(&broker, records);
    for round in 0..rounds {
        let name = format!("round{round}");
        let output = format!("bench.out.{round}");
        topics
            .create(&WantedTopic::new(&output, PARTITIONS))
            .expect("a topic");
        let cluster = broker.cluster();
        let mut config = SessionConfig::new(cluster.clone(), cluster, &name, SOURCE);
        config.group = name;
        config.delivery = Delivery::ExactlyOnce;
        let shutdown = Shutdown::default();
        let meter = Meter {
            records: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            commit_us: AtomicU64::new(0),
            wanted: records,
            shutdown: shutdown.clone(),
        };
        let (started, cpu) = (Instant::now(), cpu_seconds());
        run(&config, &mut PassThrough(output.into()), &shutdown, &meter).expect("a clean end");
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let commits = meter.commits.load(Ordering::Relaxed);
        println!(
            "round {round}: {:.0} records/s, {:.1} CPU s per million, {commits} commits of {:.1} ms, \
             peak {} MB (joining and leaving the group included)",
            records as f64 / seconds,
            cpu * 1e6 / records as f64,
            meter.commit_us.load(Ordering::Relaxed) as f64 / 1e3 / commits as f64,
            peak_mb()
        );
    }
}
