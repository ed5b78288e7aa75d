//! A broker that behaves like the Kafka endpoint of Alibaba Cloud's Simple Log Service (SLS), as its
//! documentation describes it: the protocol of Kafka 2.2, a login with project and AccessKey, no transactions
//! and no administration, offsets that jump. Transactions of the producer, of which some are aborted, leave
//! holes between records, and the end of a partition may lie far behind its last record.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;

use super::LIMIT;
use super::broker::{Broker, Extras};
use super::node::free_ports;
use super::proxy::{Disguise, Proxy, Reaction, correlation, number};
use super::records::unique;

/// The user is the project.
pub const PROJECT: &str = "audit-project";

/// `<AccessKeyId>#<AccessKeySecret>`.
pub const ACCESS_KEY: &str = "LTAI5tExampleKey#AccessKey-SECRET-3f7a";

/// API key and greatest version of what the endpoint knows: what producers and consumers of Kafka 2.2 need,
/// without transactions.
const KNOWN: [(i16, i16); 15] = [
    (0, 7),  // Produce
    (1, 10), // Fetch
    (2, 5),  // ListOffsets
    (3, 7),  // Metadata
    (8, 6),  // OffsetCommit
    (9, 5),  // OffsetFetch
    (10, 2), // FindCoordinator
    (11, 4), // JoinGroup
    (12, 2), // Heartbeat
    (13, 2), // LeaveGroup
    (14, 2), // SyncGroup
    (15, 2), // DescribeGroups
    (17, 1), // SaslHandshake
    (18, 2), // ApiVersions
    (36, 1), // SaslAuthenticate
];

const FETCH: i16 = 1;
const OFFSET_COMMIT: i16 = 8;
const API_VERSIONS: i16 = 18;

const UNSUPPORTED_VERSION: i16 = 35;
const GROUP_MAX_SIZE_REACHED: i16 = 81;

/// The endpoint.
pub struct Sls {
    pub broker: Broker,
    proxy: Proxy,
    endpoint: Arc<Endpoint>,
    files: TempDir,
}

#[derive(Default)]
struct Endpoint {
    /// API keys of requests that the endpoint does not know.
    unknown: Mutex<Vec<i16>>,
    /// How far the end of each partition lies behind the one that the broker tells a reader.
    ahead: AtomicI64,
    /// Whether the Logstore takes no more consumer groups.
    full: AtomicBool,
}

impl Sls {
    pub fn start() -> Sls {
        let [port] = free_ports();
        let endpoint = Arc::new(Endpoint::default());
        let proxy = Proxy::start_as(port, Some(endpoint.clone()));
        let broker = Broker::start_with(&Extras {
            listeners: vec![("PROXIED", port, "SASL_PLAINTEXT")],
            proxied: Some(("PROXIED", proxy.port())),
            settings: format!(
                "listener.name.proxied.sasl.enabled.mechanisms=PLAIN\n\
                 listener.name.proxied.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.\
                 PlainLoginModule required user_{PROJECT}=\"{ACCESS_KEY}\";\n"
            ),
            ..Extras::default()
        });
        Sls {
            broker,
            proxy,
            endpoint,
            files: TempDir::new().expect("a temporary directory"),
        }
    }

    /// A source's part of the configuration: the proxy stands between, so that the host name says nothing.
    pub fn source(&self, topic: &str) -> String {
        self.source_with(topic, ACCESS_KEY)
    }

    /// The same with this AccessKey.
    pub fn source_with(&self, topic: &str, access_key: &str) -> String {
        let file = self.files.path().join(unique("access-key"));
        std::fs::write(&file, format!("{access_key}\n")).expect("write a secret");
        format!(
            "bootstrap: \"{}\", broker: sls, topic: {topic}, kafka: {{security.protocol: \
             SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: {PROJECT}, sasl.password_file: {}}}",
            self.proxy.bootstrap(),
            file.display()
        )
    }

    /// From now on the end of each partition lies so far behind what a reader has seen of it.
    pub fn jump_ahead(&self, offsets: i64) {
        self.endpoint.ahead.store(offsets, Ordering::Relaxed);
    }

    /// From now on the Logstore takes no more consumer groups, or takes them again.
    pub fn take_no_more_groups(&self, full: bool) {
        self.endpoint.full.store(full, Ordering::Relaxed);
    }

    /// The API keys of requests that the endpoint does not know and that were made nevertheless.
    pub fn unknown_requests(&self) -> Vec<i16> {
        let unknown = self.endpoint.unknown.lock();
        unknown.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Disguise for Endpoint {
    fn react(&self, request: &[u8]) -> Option<Reaction> {
        let (api, version) = (number(request, 0), number(request, 2));
        if api == API_VERSIONS && version > 2 {
            let mut answer = correlation(request, 4).to_vec();
            answer.extend(UNSUPPORTED_VERSION.to_be_bytes());
            answer.extend(1_i32.to_be_bytes());
            for part in [API_VERSIONS, 0, 2] {
                answer.extend(part.to_be_bytes());
            }
            return Some(Reaction::Answer(answer));
        }
        let known = KNOWN
            .iter()
            .any(|(known, max)| *known == api && version <= *max);
        if !known {
            let unknown = self.unknown.lock();
            unknown.unwrap_or_else(PoisonError::into_inner).push(api);
            return Some(Reaction::Close);
        }
        None
    }

    fn change(&self, (api, version): (i16, i16), answer: &mut Vec<u8>) {
        match api {
            API_VERSIONS => leave_out_unknown(version, answer),
            FETCH => {
                let ahead = self.ahead.load(Ordering::Relaxed);
                move_ends(version, answer, ahead);
            }
            OFFSET_COMMIT if self.full.load(Ordering::Relaxed) => refuse_commit(version, answer),
            _ => {}
        }
    }
}

/// Walks through the body of an answer.
struct Walk<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Walk<'_> {
    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn int(&mut self) -> i32 {
        let bytes = self.bytes[self.at..self.at + 4].try_into();
        self.skip(4);
        i32::from_be_bytes(bytes.expect("four bytes"))
    }

    fn skip_text(&mut self) {
        let length = number(self.bytes, self.at);
        self.skip(2 + length as usize);
    }

    /// Adds to a long, and goes on after it.
    fn add(&mut self, ahead: i64) {
        let place = &mut self.bytes[self.at..self.at + 8];
        let value = i64::from_be_bytes((&*place).try_into().expect("eight bytes"));
        place.copy_from_slice(&(value + ahead).to_be_bytes());
        self.skip(8);
    }
}

/// Of an `ApiVersions` answer, leave only what the endpoint knows.
fn leave_out_unknown(version: i16, answer: &mut Vec<u8>) {
    let (head, rest) = answer.split_at(6);
    let count = i32::from_be_bytes(rest[..4].try_into().expect("a number")) as usize;
    let (ranges, tail) = rest[4..].split_at(6 * count);
    let mut left = Vec::new();
    for range in ranges.chunks_exact(6) {
        let (api, min, max) = (number(range, 0), number(range, 2), number(range, 4));
        if let Some((_, most)) = KNOWN.iter().find(|(known, _)| *known == api) {
            left.extend([api, min, max.min(*most)]);
        }
    }
    assert!(
        version > 0 || tail.is_empty(),
        "an answer of version 0 ends here"
    );
    let mut changed = head.to_vec();
    changed.extend((left.len() as i32 / 3).to_be_bytes());
    changed.extend(left.iter().flat_map(|part| part.to_be_bytes()));
    changed.extend(tail);
    *answer = changed;
}

/// Move the end of each partition in an answer to `Fetch`, as far as a reader can tell.
fn move_ends(version: i16, answer: &mut [u8], ahead: i64) {
    assert!((7..=10).contains(&version), "Fetch of version {version}");
    // Correlation id, throttle time, error, session.
    let mut walk = Walk {
        bytes: answer,
        at: 4 + 4 + 2 + 4,
    };
    for _ in 0..walk.int() {
        walk.skip_text();
        for _ in 0..walk.int() {
            walk.skip(4 + 2);
            // High watermark, and last stable offset.
            walk.add(ahead);
            walk.add(ahead);
            walk.skip(8);
            let aborted = walk.int().max(0) as usize;
            walk.skip(16 * aborted);
            let records = walk.int().max(0) as usize;
            walk.skip(records);
        }
    }
}

/// Let an answer to `OffsetCommit` say that the group was not taken.
fn refuse_commit(version: i16, answer: &mut [u8]) {
    let throttle = if version >= 3 { 4 } else { 0 };
    let mut walk = Walk {
        bytes: answer,
        at: 4 + throttle,
    };
    for _ in 0..walk.int() {
        walk.skip_text();
        for _ in 0..walk.int() {
            walk.skip(4);
            let at = walk.at;
            walk.bytes[at..at + 2].copy_from_slice(&GROUP_MAX_SIZE_REACHED.to_be_bytes());
            walk.skip(2);
        }
    }
}

/// Writes a Logstore so that its offsets jump: in transactions, of which some are aborted.
pub struct Logstore {
    producer: BaseProducer,
    topic: String,
    partitions: usize,
    written: usize,
}

impl Logstore {
    pub fn new(sls: &Sls, topic: &str, partitions: usize) -> Logstore {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", sls.broker.bootstrap())
            .set("transactional.id", unique("logstore"))
            .create()
            .expect("a producer");
        producer.init_transactions(LIMIT).expect("transactions");
        Logstore {
            producer,
            topic: topic.to_owned(),
            partitions,
            written: 0,
        }
    }

    /// Write these values, three in each transaction, and after each transaction leave a hole.
    pub fn write(&mut self, values: &[String]) {
        for few in values.chunks(3) {
            self.begin(few);
            self.producer.commit_transaction(LIMIT).expect("committed");
            self.leave_hole();
        }
    }

    /// Let the offsets of each partition jump by the records of an aborted transaction.
    pub fn leave_hole(&mut self) {
        let never = "an aborted record, which no reader may see".to_owned();
        self.begin(&vec![never; 40 * self.partitions]);
        self.producer.flush(LIMIT).expect("stored");
        self.producer.abort_transaction(LIMIT).expect("aborted");
    }

    fn begin(&mut self, values: &[String]) {
        self.producer.begin_transaction().expect("begun");
        for value in values {
            let partition = self.written % self.partitions;
            self.written += 1;
            let record = BaseRecord::<str, str>::to(&self.topic)
                .partition(partition as i32)
                .key("event")
                .payload(value);
            self.producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("queued");
        }
    }
}
