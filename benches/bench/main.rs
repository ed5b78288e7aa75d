//! The figures of docs/performance.md: watchbell beside a bare pass-through, in one run on one
//! broker. cargo bench --bench bench -- [records] [rounds]; `quiet [records] [rounds]` for the noise policies on routine
//! events alone, `against <binary> [records] [rounds]` for this version and another one in turns, `pipeline [events]
//! [word…]` for the pipeline alone, `forms [events] [name]` for what a byte costs in each form of event, `latency
//! [events]` for the latency of alerts, `archive [events]` for what a record costs in the archive (feature `archive`),
//! `archived [events]` for the archive from Kafka to a folder, `tables <folder> [events]`, `questions <folder>` and
//! `page <folder>` for an archive of 90 days, `worst` for the most expensive records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;
use watchbell::kafka::topics::{Topics, WantedTopic};
use watchbell::rules::{RuleSource, pack_names};

use broker::Broker;
use contender::{Contender, EVENTS, Figures, Kind};
use corpus::Corpus;
use stub::Stub;
use wait::{LIMIT, eventually};

#[cfg(feature = "archive")]
mod archive;
#[cfg(feature = "archive")]
mod archived;
#[allow(dead_code)]
#[path = "../../tests/kafka/broker.rs"]
mod broker;
mod contender;
mod corpus;
mod enrichment;
mod latency;
#[allow(dead_code)]
#[path = "../../tests/mmdb/mod.rs"]
mod mmdb;
#[allow(dead_code)]
#[path = "../../tests/kafka/node.rs"]
mod node;
#[cfg(feature = "archive")]
mod normalized;
#[cfg(feature = "archive")]
mod page;
mod pipeline;
#[allow(dead_code)]
#[path = "../../tests/kafka/proxy.rs"]
mod proxy;
#[path = "../../tests/worst/mod.rs"]
mod records;
#[allow(dead_code)]
#[path = "../../tests/stub/mod.rs"]
mod stub;
#[path = "../../tests/kafka/wait.rs"]
mod wait;
mod worst;
mod yardstick;

const PARTITIONS: u32 = 4;
const SOURCE: &str = "bench.source";
const QUIET_SOURCE: &str = "bench.quiet";
const REPLAYED: u64 = 1_000_000;
/// A minute.
const LATENCY_EVENTS: usize = 6_000;

const CONTENDERS: [(&str, Kind, bool); 5] = [
    ("pass-through, exactly once", Kind::PassThrough, true),
    ("watchbell, exactly once", Kind::Watchbell, true),
    (
        "watchbell, exactly once, 100 rules more",
        Kind::ManyRules,
        true,
    ),
    ("pass-through, at least once", Kind::PassThrough, false),
    ("watchbell, at least once", Kind::Watchbell, false),
];

/// Over the events of a quiet organization.
const QUIET: [(&str, Kind, bool); 4] = [
    ("pass-through, exactly once", Kind::PassThrough, true),
    ("`noise: keep`", Kind::Noise("keep"), true),
    ("`noise: routine`", Kind::Noise("routine"), true),
    ("`noise: drop`", Kind::Noise("drop"), true),
];

/// All shipped rules.
fn packs() -> Vec<RuleSource> {
    let names = pack_names().map(str::to_owned);
    names.map(RuleSource::Pack).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |at: usize, default| {
        words
            .get(at)
            .map_or(default, |n| n.parse().expect("a number"))
    };
    match words[..] {
        ["--yardstick", bootstrap, group, source, output, delivery] => {
            yardstick::run(bootstrap, group, source, output, delivery == "exactly_once")
        }
        ["pipeline", ..] => {
            let chosen = words.get(2..).unwrap_or_default();
            pipeline::run(number(1, 400_000) as usize, chosen);
        }
        ["forms", ..] => {
            let wanted = words.get(2).copied().unwrap_or_default();
            pipeline::run_forms(number(1, 100_000) as usize, wanted);
        }
        #[cfg(feature = "archive")]
        ["archive", ..] => {
            let events = number(1, 200_000) as usize;
            archive::run(events);
        }
        #[cfg(feature = "archive")]
        ["archived", ..] => {
            machine();
            archived::run(number(1, 1_000_000));
        }
        #[cfg(feature = "archive")]
        ["tables", folder, ..] => archive::fill(Path::new(folder), number(2, 20_000_000) as usize),
        #[cfg(feature = "archive")]
        ["questions", folder, ..] => archive::ask(Path::new(folder), number(2, 3) as usize),
        #[cfg(feature = "archive")]
        ["page", folder] => page::run(Path::new(folder)),
        ["worst"] => worst::run(),
        ["quiet", ..] => {
            machine();
            quiet(&start(), &home(), number(1, 600_000), number(2, 5));
        }
        ["against", binary, ..] => against(binary, number(2, 600_000), number(3, 5)),
        ["latency", ..] => {
            machine();
            latency(&start(), number(1, LATENCY_EVENTS as u64) as usize);
        }
        _ => compare(number(0, 600_000), number(1, 5)),
    }
}

/// A broker with the topics.
fn start() -> Broker {
    let broker = Broker::start();
    for (name, partitions) in [
        (SOURCE, PARTITIONS),
        ("latency.source", PARTITIONS),
        (EVENTS, PARTITIONS),
        ("watchbell.alerts", 1),
        ("watchbell.dead-letters", 1),
    ] {
        create(&broker, name, partitions);
    }
    broker
}

fn create(broker: &Broker, topic: &str, partitions: u32) {
    let topics = Topics::new(&broker.cluster(), Duration::from_secs(10)).expect("an admin client");
    let created = topics.create(&WantedTopic::new(topic, partitions));
    created.expect("a topic");
}

/// A directory with the names.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("names.yaml"), corpus::names()).expect("names");
    home
}

fn compare(records: u64, rounds: u64) {
    let home = home();
    rules(&home.path().join("rules"));
    machine();
    replay(home.path());

    let broker = start();
    let source = Source::new(&broker, SOURCE, Corpus::new(1), records);
    table(&CONTENDERS, &source.rounds(&CONTENDERS, &home, rounds));
    println!("\nEvents of a quiet organization:");
    quiet(&broker, &home, records, rounds);

    // On a new one: a sink would begin with all that the contenders have alerted about.
    drop(broker);
    latency(&start(), LATENCY_EVENTS);
}

/// This version and the binary of another one in turns.
fn against(binary: &str, records: u64, rounds: u64) {
    let binary: &'static str = binary.to_owned().leak();
    let home = home();
    machine();
    let contenders = [
        ("pass-through, exactly once", Kind::PassThrough, true),
        ("this version", Kind::Watchbell, true),
        (binary, Kind::OtherVersion(binary), true),
    ];
    let broker = start();
    let source = Source::new(&broker, SOURCE, Corpus::new(1), records);
    table(&contenders, &source.rounds(&contenders, &home, rounds));
}

/// The noise policies over events of which 96 % are routine. The routine topic is created only here: where it exists,
/// routine events are written to it also without a policy.
fn quiet(broker: &Broker, home: &TempDir, records: u64, rounds: u64) {
    create(broker, QUIET_SOURCE, PARTITIONS);
    create(broker, "watchbell.routine", PARTITIONS);
    let source = Source::new(broker, QUIET_SOURCE, Corpus::quiet(1), records);
    let all = source.rounds(&QUIET, home, rounds);
    table(&QUIET, &all);
    let [_, keep, routine, _] = all.as_slice() else {
        return;
    };
    let ratio = median_ratio(routine, keep, |figures| figures.cpu_s_per_million);
    println!("CPU with `routine`, compared with `keep`: {ratio:.2}");
}

/// A filled topic.
struct Source<'b> {
    broker: &'b Broker,
    topic: &'static str,
    records: u64,
}

impl Source<'_> {
    fn new<'b>(
        broker: &'b Broker,
        topic: &'static str,
        corpus: Corpus,
        records: u64,
    ) -> Source<'b> {
        let bytes = fill(broker, topic, corpus, records);
        println!(
            "{records} events of {} bytes on {PARTITIONS} partitions",
            bytes / records
        );
        Source {
            broker,
            topic,
            records,
        }
    }

    /// Lets the contenders take turns over the same records; gives the figures of each.
    fn rounds(
        &self,
        contenders: &[(&str, Kind, bool)],
        home: &TempDir,
        rounds: u64,
    ) -> Vec<Vec<Figures>> {
        println!("{rounds} rounds\n");
        let mut all = vec![Vec::new(); contenders.len()];
        // The first round warms the broker's JVM and is not counted.
        for round in 0..=rounds {
            for (number, (name, kind, exactly_once)) in contenders.iter().enumerate() {
                let group = format!("{}-{round}-{number}", self.topic);
                let contender = Contender::start(
                    *kind,
                    *exactly_once,
                    self.broker.bootstrap(),
                    self.topic,
                    &group,
                    home.path(),
                );
                let figures = contender.finish(self.records);
                eprintln!("round {round}: {name}: {figures:.1?}");
                if round > 0 {
                    all[number].push(figures);
                }
            }
        }
        all
    }
}

/// The way of an alert at 100 events/s, to its reader and to a sink.
fn latency(broker: &Broker, events: usize) {
    let home = home();
    let sink = Stub::start(|_| stub::ok());
    let contender = Contender::start(
        Kind::Telling(sink.address()),
        true,
        broker.bootstrap(),
        "latency.source",
        "latency",
        home.path(),
    );
    contender.ready();
    let latencies = latency::measure(broker.bootstrap(), "latency.source", events, &sink);
    contender.stop();
    println!("\nAt 100 events/s, every fifth of them an alert:");
    for (to, ms) in [
        ("alert", latencies.read),
        ("sink's request", latencies.told),
    ] {
        let at = |share: f64| ms[((ms.len() - 1) as f64 * share) as usize];
        println!(
            "append to {to}, {} alerts: p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
            ms.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Round by round, since whatever else the machine does comes and goes.
fn median_ratio(one: &[Figures], other: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    let pairs = one.iter().zip(other);
    median(pairs.map(|(one, other)| of(one) / of(other)))
}

fn table(contenders: &[(&str, Kind, bool)], all: &[Vec<Figures>]) {
    println!(
        "| | events/s | × pass-through | CPU s per million | × pass-through | peak MB | commit ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut yardstick = &all[0];
    for ((name, kind, _), figures) in contenders.iter().zip(all) {
        if *kind == Kind::PassThrough {
            yardstick = figures;
        }
        println!(
            "| {name} | {:.0},000 | {:.2} | {:.1} | {:.2} | {:.0} | {} |",
            median(figures.iter().map(|f| f.events_per_s)) / 1e3,
            median_ratio(figures, yardstick, |f| f.events_per_s),
            median(figures.iter().map(|f| f.cpu_s_per_million)),
            median_ratio(figures, yardstick, |f| f.cpu_s_per_million),
            median(figures.iter().map(|f| f.peak_mb)),
            match median(figures.iter().map(|f| f.commit_ms)) {
                commit if commit.is_nan() => "–".into(),
                commit => format!("{commit:.0}"),
            }
        );
    }
}

/// What the figures were taken on.
fn machine() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("?");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!(
        "{cores} cores of {}, Linux {}",
        model.trim_start_matches(['\t', ' ', ':']),
        kernel.trim()
    );
}

/// Fills a topic as Confluent does: no key, one header. Returns bytes of values.
fn fill(broker: &Broker, topic: &str, mut corpus: Corpus, records: u64) -> u64 {
    let producer = producer(broker);
    let mut bytes = 0;
    for number in 0..records {
        let value = corpus.next();
        bytes += value.len() as u64;
        let header = Header {
            key: "content-type",
            value: Some("application/cloudevents+json"),
        };
        let record = BaseRecord::to(topic)
            .headers(OwnedHeaders::new().insert(header))
            .payload(value.as_bytes());
        send(&producer, record, number);
    }
    producer.flush(Duration::from_secs(120)).expect("flush");
    bytes
}

fn producer(broker: &Broker) -> BaseProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", broker.bootstrap())
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("compression.type", "lz4")
        .set("queue.buffering.max.kbytes", "65536");
    config.create().expect("a producer")
}

/// Sends the record with this number to the partition whose turn it is.
fn send(producer: &BaseProducer, record: BaseRecord<'_, [u8], [u8]>, number: u64) {
    let mut record = record.partition((number % u64::from(PARTITIONS)) as i32);
    while let Err((_, back)) = producer.send(record) {
        record = back;
        producer.poll(Duration::from_millis(5));
    }
    if number.is_multiple_of(1_000) {
        producer.poll(Duration::ZERO);
    }
}

/// A hundred rules over the methods that come and others that do not, by equality, by wildcards and
/// by expression.
fn rules(directory: &Path) {
    fs::create_dir(directory).expect("a directory");
    for number in 0..100 {
        let test = match number % 4 {
            0 => format!(
                "api.operation: [DeleteStatement, DeletePipeline{number}]\n    resources.uid|startswith: prod-{number}-"
            ),
            1 => format!(
                "api.operation: CreateConnector\n    api.request.data.config.name|contains: secret{number}"
            ),
            2 => format!("actor.user.uid: u-intern{number}\n    status: Failure"),
            _ => format!("api.operation|re: ^Delete(Role|Acl){number}$\n    status: Success"),
        };
        let text = format!(
            "title: Rule {number}\nid: 00000000-0000-4000-8000-{number:012}\ntaxonomy: ocsf\nlevel: low\n\
             logsource: {{product: confluent}}\ndetection:\n  wanted:\n    {test}\n  condition: wanted\n"
        );
        fs::write(directory.join(format!("rule{number}.yaml")), text).expect("a rule");
    }
}

/// `replay` of a million events from a file to `/dev/null`.
fn replay(home: &Path) {
    let path = home.join("events.ndjson");
    let mut file = BufWriter::new(fs::File::create(&path).expect("a file"));
    let mut corpus = Corpus::new(3);
    for _ in 0..REPLAYED {
        writeln!(file, "{}", corpus.next()).expect("a line");
    }
    file.flush().expect("a file");
    let started = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .arg("replay")
        .arg(&path)
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let (mut cpu, mut peak) = (0.0, 0.0);
    let seconds = loop {
        if process.try_wait().expect("a process").is_some() {
            break started.elapsed().as_secs_f64();
        }
        (cpu, peak) = (
            contender::cpu_seconds(process.id()),
            contender::peak_mb(process.id()).unwrap_or(peak),
        );
        std::thread::sleep(Duration::from_millis(10));
    };
    println!(
        "`replay` of a million events: {:.0},000 events/s, {cpu:.1} CPU s, {peak:.0} MB",
        REPLAYED as f64 / seconds / 1e3
    );
    fs::remove_file(&path).expect("its end");
}
