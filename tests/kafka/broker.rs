//! Clusters of one broker: started on free ports, restarted on the same data, ended with the test process.
//! Each test has its own pair. With `WATCHBELL_TEST_BOOTSTRAPS=host:port,host:port` the tests use two given
//! clusters instead, one test after the other; tests that restart brokers then fail and say so.

use std::fs;
use std::ops::{Deref, DerefMut, Range};
use std::path::Path;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchbell::kafka::Cluster;

use super::node::{Node, cluster_id, free_ports};
use super::{LIMIT, eventually};

use super::proxy::Proxy;

/// Memory limit of a broker's JVM.
const HEAP_MB: u32 = 512;

/// Tests that run side by side, however many threads there are: each may start two brokers.
const MOST_AT_A_TIME: usize = 3;

/// One cluster of one broker.
pub struct Broker {
    bootstrap: String,
    /// `None` for one that this process did not start.
    own: Option<Node>,
}

/// What a broker has beyond one listener in plaintext.
#[derive(Default)]
pub struct Extras {
    /// Name, port and security protocol of further listeners.
    pub listeners: Vec<(&'static str, u16, &'static str)>,
    /// A listener that clients reach by a proxy, and the proxy's port.
    pub proxied: Option<(&'static str, u16)>,
    /// Lines of `server.properties`.
    pub settings: String,
    /// Arguments of `kafka-storage format`: users that exist from the start.
    pub users: Vec<String>,
}

/// The source and the destination of a test.
pub struct Clusters {
    pub source: Broker,
    pub destination: Broker,
    /// In front of the destination, for clients that are sent there.
    pub proxy: Option<Proxy>,
}

impl Clusters {
    fn start() -> Clusters {
        if let Some(existing) = &*EXISTING {
            let (source, destination) = existing
                .split_once(',')
                .expect("WATCHBELL_TEST_BOOTSTRAPS is host:port,host:port");
            return Clusters::of(Broker::existing(source), Broker::existing(destination));
        }
        let [port] = free_ports();
        let proxy = Proxy::start(port);
        let extras = Extras {
            listeners: vec![("PROXIED", port, "PLAINTEXT")],
            proxied: Some(("PROXIED", proxy.port())),
            ..Extras::default()
        };
        Clusters {
            source: Broker::start(),
            destination: Broker::start_with(&extras),
            proxy: Some(proxy),
        }
    }

    /// These two, without a proxy.
    pub fn of(source: Broker, destination: Broker) -> Clusters {
        Clusters {
            source,
            destination,
            proxy: None,
        }
    }

    /// The proxy in front of the destination.
    pub fn proxy(&self) -> &Proxy {
        self.proxy
            .as_ref()
            .expect("this test needs its proxy: unset WATCHBELL_TEST_BOOTSTRAPS")
    }
}

/// A pair of clusters for this test alone, until it ends: one that an earlier test has left, or a new one.
/// So there are as many pairs as tests that run side by side. A test that also needs the secured broker
/// takes it after the pair: in this order nobody waits for somebody who waits.
pub fn clusters() -> Lent {
    POOL.lend(false)
}

/// The same for a test that says how fast something must be, or how much is kept in a time: no other test
/// of Kafka runs meanwhile.
pub fn clusters_alone() -> Lent {
    POOL.lend(true)
}

/// For a test with brokers of its own only: it takes its turn as if it had a pair.
pub fn turn() -> Turn {
    POOL.begin(false)
}

/// A pair of clusters; it goes back to the others when the test has passed.
pub struct Lent {
    clusters: Option<Clusters>,
    _turn: Turn,
}

impl Deref for Lent {
    type Target = Clusters;

    fn deref(&self) -> &Clusters {
        self.clusters.as_ref().expect("held until it is dropped")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Clusters {
        self.clusters.as_mut().expect("held until it is dropped")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // A failed test may leave its brokers in an unknown state, so they are not used again.
        let clusters = self.clusters.take();
        let kept = clusters.filter(|_| !std::thread::panicking() || EXISTING.is_some());
        POOL.lock().idle.extend(kept);
    }
}

/// One of the tests that run side by side, until it is dropped.
pub struct Turn {
    alone: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = POOL.lock();
        state.running -= 1;
        state.alone &= !self.alone;
        drop(state);
        POOL.changed.notify_all();
    }
}

/// Addresses of two clusters that somebody else has started.
static EXISTING: LazyLock<Option<String>> =
    LazyLock::new(|| std::env::var("WATCHBELL_TEST_BOOTSTRAPS").ok());

static POOL: Pool = Pool {
    state: Mutex::new(State {
        idle: Vec::new(),
        running: 0,
        alone: false,
        waiting_alone: 0,
    }),
    changed: Condvar::new(),
};

struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    idle: Vec<Clusters>,
    /// Tests that have a turn.
    running: usize,
    /// Whether a test runs alone.
    alone: bool,
    /// Number of tests that wait to run alone; no other test begins before them.
    waiting_alone: usize,
}

impl Pool {
    fn lend(&self, alone: bool) -> Lent {
        let turn = self.begin(alone);
        let idle = self.lock().idle.pop();
        Lent {
            clusters: Some(idle.unwrap_or_else(Clusters::start)),
            _turn: turn,
        }
    }

    /// Wait for a turn.
    fn begin(&self, alone: bool) -> Turn {
        let mut state = self.lock();
        state.waiting_alone += usize::from(alone);
        let most = if alone || EXISTING.is_some() {
            1
        } else {
            MOST_AT_A_TIME
        };
        let must_wait = |state: &mut State| {
            state.alone || state.running >= most || !alone && state.waiting_alone > 0
        };
        state = self
            .changed
            .wait_while(state, must_wait)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting_alone -= usize::from(alone);
        state.alone = alone;
        state.running += 1;
        Turn { alone }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// A cluster that somebody else has started.
    pub fn existing(bootstrap: &str) -> Broker {
        Broker {
            bootstrap: bootstrap.to_owned(),
            own: None,
        }
    }

    /// Start a new, empty cluster.
    pub fn start() -> Broker {
        Broker::start_with(&Extras::default())
    }

    /// The same, with more than a listener in plaintext.
    pub fn start_with(extras: &Extras) -> Broker {
        let mut broker = Broker::format(extras);
        broker.start_again();
        broker
    }

    /// Start one that cannot make a file larger than this: it is gone when it tries. Started again, it
    /// can.
    pub fn start_on_a_small_disk(largest_file_kb: u32, extras: &Extras) -> Broker {
        let mut broker = Broker::format(extras);
        // Dash and bash as `sh` count in blocks of 512 bytes.
        let limit = format!("ulimit -f {}", 2 * largest_file_kb);
        broker.own().launch_where(&limit);
        broker.wait_for_answer();
        broker
    }

    fn format(extras: &Extras) -> Broker {
        let [port, controller_port] = free_ports();
        let settings = |data: &Path| settings(data, port, controller_port, extras);
        let node = Node::format(&cluster_id(port), HEAP_MB, &extras.users, settings);
        Broker {
            bootstrap: format!("127.0.0.1:{port}"),
            own: Some(node),
        }
    }

    /// How to reach it.
    pub fn cluster(&self) -> Cluster {
        Cluster::plaintext(&self.bootstrap)
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// End the broker at once, like a power failure.
    pub fn kill(&mut self) {
        self.own().end("KILL");
    }

    /// Let the broker shut down in order.
    pub fn stop(&mut self) {
        self.own().end("TERM");
    }

    /// Wait until the broker has given up by itself.
    pub fn wait_until_gone(&mut self) {
        self.own().wait();
    }

    /// Start an ended broker on its data.
    pub fn start_again(&mut self) {
        self.own().launch();
        self.wait_for_answer();
    }

    /// Change the stored batch that holds an offset, while the broker does not run; returns the offsets
    /// of the batch.
    pub fn damage(
        &mut self,
        topic: &str,
        partition: usize,
        offset: usize,
        damage: impl Fn(&mut [u8]),
    ) -> Range<usize> {
        let folder = self.own().data().join(format!("log/{topic}-{partition}"));
        let segment = folder.join("00000000000000000000.log");
        let mut bytes = fs::read(&segment).expect("a segment");
        let mut start = 0;
        loop {
            // Base offset, length of what follows; at 23 the last offset, relative to the base.
            let number = |at: usize, length: usize| {
                let bytes = &bytes[start + at..start + at + length];
                bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
            };
            let (base, end) = (number(0, 8), start + 12 + number(8, 4));
            let offsets = base..base + number(23, 4) + 1;
            if offsets.contains(&offset) {
                damage(&mut bytes[start..end]);
                fs::write(&segment, bytes).expect("a damaged segment");
                return offsets;
            }
            start = end;
        }
    }

    fn own(&mut self) -> &mut Node {
        self.own
            .as_mut()
            .expect("this test restarts brokers: unset WATCHBELL_TEST_BOOTSTRAPS")
    }

    fn wait_for_answer(&mut self) {
        let cluster = self.cluster();
        let ready = eventually(LIMIT, || cluster.cluster_id(Duration::from_secs(1)).is_ok());
        assert!(ready, "the broker does not start: {}", self.own().log());
    }
}

fn settings(data: &Path, port: u16, controller_port: u16, extras: &Extras) -> String {
    let log_dir = data.join("log");
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{port}");
    let mut advertised = listeners.clone();
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    for (name, port, protocol) in &extras.listeners {
        let found_at = match extras.proxied {
            Some((proxied, proxy)) if proxied == *name => proxy,
            _ => *port,
        };
        listeners += &format!(",{name}://127.0.0.1:{port}");
        advertised += &format!(",{name}://127.0.0.1:{found_at}");
        protocols += &format!(",{name}:{protocol}");
    }
    let extras = &extras.settings;
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={advertised}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map={protocols}
log.dirs={}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=100
group.coordinator.rebalance.protocols=classic
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
{extras}",
        log_dir.display()
    )
}
