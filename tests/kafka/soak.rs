//! A daemon that lives through everything at once: `WATCHBELL_TEST_SOAK_S` seconds (120 by default)
//! of whatever `WATCHBELL_TEST_SEED` deals out. Then every record has met its fate exactly once, and
//! memory, file descriptors and threads are where they were.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::audit::{Audit, Fate, Given};
use super::broker::{Clusters, clusters};
use super::daemon::{Daemon, Deployment, Resources};
use super::proxy::{Call, Instead};
use super::stable::{LONGEST_STILL, Watch};
use super::{Dice, eventually};

const LIMIT: Duration = Duration::from_secs(120);

/// Longer than the session of a daemon under test lasts without a sign of life, 14 s.
const PAST_THE_SESSION: Duration = Duration::from_secs(15);

/// What a client of librdkafka keeps open beside what it needs, such as a connection to a broker's
/// bootstrap address. One producer that is never closed costs four threads and seven descriptors.
const SPARE_DESCRIPTORS: usize = 10;
const SPARE_THREADS: usize = 3;

/// What backlogs leave with the allocator. Before the first one a daemon holds 40 MB; in twenty minutes
/// of this it goes up and down between 50 and 70.
const SPARE_KB: u64 = 48 * 1024;

/// Calls whose answers go astray.
const CALLS: [Call; 10] = [
    Call::Produce,
    Call::AddPartitions,
    Call::AddOffsets,
    Call::TxnOffsetCommit,
    Call::Commit,
    Call::InitProducerId,
    Call::OffsetFetch,
    Call::FindCoordinator,
    Call::SyncGroup,
    Call::Heartbeat,
];

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trial {
    /// Some answers never arrive.
    Lost,
    /// Some answers arrive after everybody has gone on.
    Late,
    /// Connections end with an answer under way.
    Cut,
    /// All connections end.
    CutAll,
    /// Stopped for a moment.
    Nap,
    /// Stopped until the group has forgotten the daemon.
    Sleep,
    BrokerStopped,
    BrokerKilled,
    /// Another daemon comes and leaves.
    Guest,
    /// Another daemon comes and dies.
    DyingGuest,
    /// An output that the client refuses to send.
    TooLarge,
}

/// All of them, the cheap ones more than once.
const DECK: [Trial; 16] = [
    Trial::Lost,
    Trial::Lost,
    Trial::Lost,
    Trial::Lost,
    Trial::Late,
    Trial::Cut,
    Trial::Cut,
    Trial::CutAll,
    Trial::Nap,
    Trial::Sleep,
    Trial::BrokerStopped,
    Trial::BrokerKilled,
    Trial::Guest,
    Trial::DyingGuest,
    Trial::TooLarge,
    Trial::TooLarge,
];

/// A source that is written to all the time, on a thread of its own.
struct Load {
    large: Sender<()>,
    thread: JoinHandle<Audit>,
}

impl Load {
    fn start(mut audit: Audit) -> Load {
        let (large, wanted) = channel();
        let thread = thread::spawn(move || {
            loop {
                match wanted.try_recv() {
                    Ok(()) => put_large(&mut audit),
                    Err(TryRecvError::Empty) => audit.write(5),
                    Err(TryRecvError::Disconnected) => break,
                }
                // The pace of the source, not a wait for something to happen.
                thread::sleep(Duration::from_millis(20));
            }
            audit.flush();
            audit
        });
        Load { large, thread }
    }

    /// Write an event that is too large for the client of the destination.
    fn put_large(&self) {
        self.large.send(()).expect("the load runs");
    }

    fn stop(self) -> Audit {
        drop(self.large);
        self.thread.join().expect("no panic")
    }
}

fn put_large(audit: &mut Audit) {
    let text = "y".repeat(450_000);
    let id = audit.next_id(1);
    let event = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","time":"2026-03-14T09:26:53Z","data":{{"serviceName":"crn://confluent.cloud/","methodName":"GetStatement","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-5r7t9w"}}}}}},"result":{{"status":"SUCCESS"}},"request":{{"accessType":"READ_ONLY","data":{{"text":"{text}"}}}}}}}}"#
    );
    let fate = Fate::DeadLetter("output_too_large");
    audit.put(1, &Given::value(event), fate);
}

/// The daemon that lives through it, and what is done to it.
struct Soak<'c> {
    clusters: &'c mut Clusters,
    deployment: &'c Deployment,
    daemon: &'c Daemon,
    load: &'c Load,
    dice: Dice,
    deck: Vec<Trial>,
    dealt: BTreeMap<Trial, u64>,
}

impl Soak<'_> {
    fn next(&mut self) {
        if self.deck.is_empty() {
            self.deck = DECK.into();
        }
        let card = self.dice.below(self.deck.len() as u64) as usize;
        let trial = self.deck.swap_remove(card);
        *self.dealt.entry(trial).or_default() += 1;
        let since = Instant::now();
        let detail = self.undergo(trial);
        let Resources {
            resident_kb,
            descriptors,
            threads,
        } = self.daemon.resources();
        println!(
            "  {trial:?}{detail}: {:.1?}, {resident_kb} kB, {descriptors} descriptors, \
             {threads} threads",
            since.elapsed()
        );
    }

    fn undergo(&mut self, trial: Trial) -> String {
        let mut detail = String::new();
        match trial {
            Trial::Lost => detail = self.divert(Instead::Lose),
            Trial::Late => detail = self.divert(Instead::Hold),
            Trial::Cut => detail = self.divert(Instead::Cut),
            Trial::CutAll => self.clusters.proxy().cut_all(),
            Trial::Nap => {
                self.daemon.signal("STOP");
                self.pass(500, 4_500);
                self.daemon.signal("CONT");
            }
            Trial::Sleep => {
                self.daemon.signal("STOP");
                thread::sleep(PAST_THE_SESSION);
                self.daemon.signal("CONT");
            }
            Trial::BrokerStopped => {
                self.clusters.destination.stop();
                self.clusters.destination.start_again();
            }
            Trial::BrokerKilled => {
                self.clusters.destination.kill();
                self.clusters.destination.start_again();
            }
            Trial::Guest | Trial::DyingGuest => {
                let guest = self.deployment.start(1);
                guest.wait_until_ready();
                self.pass(500, 3_500);
                if trial == Trial::Guest {
                    guest.terminate();
                } else {
                    guest.kill();
                }
            }
            Trial::TooLarge => self.load.put_large(),
        }
        self.pass(500, 3_000);
        detail
    }

    /// Let answers to some call go astray; those that are not made now do so in a later trial.
    fn divert(&mut self, instead: Instead) -> String {
        let call = CALLS[self.dice.below(CALLS.len() as u64) as usize];
        let times = 1 + self.dice.below(2) as usize;
        let span = Duration::from_millis(1_000 + self.dice.below(4_000));
        let proxy = self.clusters.proxy();
        proxy.order(call, instead, times);
        eventually(span, || proxy.outstanding() == 0);
        if instead == Instead::Hold {
            self.pass(1_000, 5_000);
            self.clusters.proxy().release();
        }
        format!(" {times} {call:?}")
    }

    /// Let time pass, and records flow.
    fn pass(&mut self, least_ms: u64, most_ms: u64) {
        let span_ms = least_ms + self.dice.below(most_ms - least_ms);
        thread::sleep(Duration::from_millis(span_ms));
    }
}

#[test]
fn after_a_long_mix_of_everything_nothing_is_missing_and_nothing_has_grown() {
    let span_s = match std::env::var("WATCHBELL_TEST_SOAK_S") {
        Ok(span_s) => span_s.parse().expect("a number"),
        Err(_) => 120,
    };
    let mut clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "soak");
    deployment.destination = clusters.proxy().bootstrap();
    deployment.properties = "linger.ms: 1, message.max.bytes: 400000".into();
    let audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    let watch = Watch::start(&clusters.destination, &deployment.events, 3);
    let load = Load::start(audit);
    let mut soak = Soak {
        clusters: &mut clusters,
        deployment: &deployment,
        daemon: &daemon,
        load: &load,
        dice: Dice::new(17),
        deck: Vec::new(),
        dealt: BTreeMap::new(),
    };
    // Each of these makes clients anew: what they cost for good, they cost the first time.
    for trial in [
        Trial::TooLarge,
        Trial::Lost,
        Trial::Guest,
        Trial::CutAll,
        Trial::Nap,
    ] {
        soak.undergo(trial);
    }
    let flowing = eventually(LIMIT, || daemon.ready().is_ok());
    assert!(flowing, "{:?}", daemon.ready());
    soak.pass(4_000, 6_000);
    let before = daemon.resources();
    println!("  before: {before:?}");
    let until = Instant::now() + Duration::from_secs(span_s);
    while Instant::now() < until {
        soak.next();
    }
    let dealt = soak.dealt;
    clusters.proxy().relent();
    let audit = load.stop();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let still = watch.stop();
    daemon.wait_until_ready();
    let aborts = daemon.metric_sum("watchbell_aborts_total");
    let unknown = daemon.log().matches("a new producer is made").count();
    println!("  {dealt:?}: {aborts} aborts, {unknown} unknown, readers held up {still:.1?}");
    // Connections that are not used any more are closed one after the other.
    let mut after = daemon.resources();
    let settled = eventually(Duration::from_secs(60), || {
        after = daemon.resources();
        after.descriptors <= before.descriptors + SPARE_DESCRIPTORS
            && after.threads <= before.threads + SPARE_THREADS
            && after.resident_kb <= before.resident_kb + SPARE_KB
    });
    println!("  after: {after:?}");
    assert!(settled, "grown: {before:?} to {after:?}");
    daemon.terminate();
    audit.check_exactly_once(&clusters, &deployment);
    assert!(still <= LONGEST_STILL, "readers were held up for {still:?}");
}
