//! A cluster of three brokers, each of which may fail: the replication factor is 3, and a record is acknowledged
//! when two brokers have it. The roles of the brokers are read from the cluster's metadata.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::broker::{Broker, Clusters};
use super::node::{Node, cluster_id, free_ports};
use super::{LIMIT, eventually};

/// After this time a broker that does not answer is declared dead, and leaders are elected.
pub const BROKER_SESSION_MS: u64 = 5_000;

/// For so long a coordinator waits for the answer of a leader that is gone before it writes the end of
/// a transaction to the next one (30 s by default).
pub const REQUEST_MS: u64 = 5_000;

const HEAP_MB: u32 = 256;

/// Number of partitions of the topics that coordinators keep their state in.
const STATE_PARTITIONS: i32 = 3;

/// What a broker can be besides a leader of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinator {
    Group,
    Transaction,
}

impl Coordinator {
    fn topic(self) -> &'static str {
        match self {
            Coordinator::Group => "__consumer_offsets",
            Coordinator::Transaction => "__transaction_state",
        }
    }
}

/// Three brokers, numbered from 0, each of them a controller as well.
pub struct Quorum {
    nodes: Vec<Node>,
    bootstrap: String,
    client: BaseConsumer,
}

impl Quorum {
    /// Start a new, empty cluster and wait until all three are in it.
    pub fn start() -> Quorum {
        let ports: [u16; 6] = free_ports();
        let (ports, controller_ports) = ports.split_at(3);
        let id = cluster_id(ports[0]);
        let node = |number: usize| {
            let settings = |data: &Path| settings(data, number, ports[number], controller_ports);
            let mut node = Node::format(&id, HEAP_MB, &[], settings);
            node.launch();
            node
        };
        let nodes = (0..3).map(node).collect();
        let addresses: Vec<String> = ports.iter().map(|p| format!("127.0.0.1:{p}")).collect();
        let bootstrap = addresses.join(",");
        let client = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap)
            .set("allow.auto.create.topics", "false")
            .create()
            .expect("a client");
        let quorum = Quorum {
            nodes,
            bootstrap,
            client,
        };
        let complete = eventually(LIMIT, || quorum.brokers() == 3);
        assert!(complete, "not all brokers start: {}", quorum.nodes[0].log());
        quorum
    }

    /// The cluster as source and destination.
    pub fn clusters(&self) -> Clusters {
        Clusters::of(
            Broker::existing(&self.bootstrap),
            Broker::existing(&self.bootstrap),
        )
    }

    /// Which broker leads a partition; `None` while none does or nobody answers.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<usize> {
        let timeout = Duration::from_secs(2);
        let metadata = self.client.fetch_metadata(Some(topic), timeout).ok()?;
        let partitions = metadata.topics().first()?.partitions();
        let found = partitions.iter().find(|p| p.id() == partition)?;
        usize::try_from(found.leader()).ok()
    }

    /// Which broker coordinates the group or the transactional id of this name.
    pub fn coordinator(&self, of: Coordinator, name: &str) -> Option<usize> {
        // Kafka's `Utils.abs(name.hashCode) % partitions`; Java's hash goes over UTF-16 units.
        let hash = name.encode_utf16().fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(i32::from(unit))
        });
        let partition = hash.checked_abs().unwrap_or(0) % STATE_PARTITIONS;
        self.leader(of.topic(), partition)
    }

    /// End a broker at once, like a power failure.
    pub fn kill(&mut self, broker: usize) {
        self.nodes[broker].end("KILL");
    }

    /// Let a broker shut down in order.
    pub fn stop(&mut self, broker: usize) {
        self.nodes[broker].end("TERM");
    }

    /// Start an ended broker on its data, and wait until it has caught up with everything.
    pub fn start_again(&mut self, broker: usize) {
        self.nodes[broker].launch();
        let in_sync = eventually(LIMIT, || self.is_in_sync());
        assert!(in_sync, "not in sync: {}", self.nodes[broker].log());
    }

    fn brokers(&self) -> usize {
        let metadata = self.client.fetch_metadata(None, Duration::from_secs(2));
        metadata.map_or(0, |metadata| metadata.brokers().len())
    }

    /// Whether every partition of every topic is held by all three.
    fn is_in_sync(&self) -> bool {
        let metadata = self.client.fetch_metadata(None, Duration::from_secs(2));
        metadata.is_ok_and(|metadata| {
            let mut partitions = metadata.topics().iter().flat_map(|t| t.partitions());
            metadata.brokers().len() == 3 && partitions.all(|p| p.isr().len() == 3)
        })
    }
}

fn settings(data: &Path, number: usize, port: u16, controller_ports: &[u16]) -> String {
    let mut voters = String::new();
    for (voter, port) in controller_ports.iter().enumerate() {
        let comma = if voter == 0 { "" } else { "," };
        write!(voters, "{comma}{voter}@127.0.0.1:{port}").expect("text");
    }
    format!(
        "process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
broker.session.timeout.ms={BROKER_SESSION_MS}
broker.heartbeat.interval.ms=500
request.timeout.ms={REQUEST_MS}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions={STATE_PARTITIONS}
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions={STATE_PARTITIONS}
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.coordinator.rebalance.protocols=classic
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=2
",
        controller_ports[number],
        data.join("log").display()
    )
}
