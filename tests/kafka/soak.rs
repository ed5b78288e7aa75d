//! All failures at random, in the order given by `WATCHBELL_TEST_SEED`, for `WATCHBELL_TEST_SOAK_S` seconds (120
//! by default). Afterwards every record has its expected result exactly once, the alerts are those of a model,
//! a webhook has received each of them, and memory, file descriptors and threads have not grown.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::admin::delete;
use super::audit::{Audit, Fate, Given, STATEMENT_DELETED};
use super::bad_input::limit_records;
use super::broker::{Clusters, clusters};
use super::daemon::{Daemon, Deployment, Resources};
use super::proxy::{Call, Instead};
use super::records::{Read, committed, create, read_committed};
use super::stable::{LONGEST_STILL, Watch};
use super::stub::{Received, Reply, Stub, ok};
use super::told::Told;
use super::{Dice, LIMIT, eventually};

/// Longer than the session of a daemon under test lasts without a sign of life, 14 s.
const PAST_THE_SESSION: Duration = Duration::from_secs(15);

/// Longer than the coordinator leaves a transaction open whose daemon is stopped: 3 s, and 1 s in which
/// it looks for such.
const PAST_THE_TRANSACTION: Duration = Duration::from_secs(6);

/// What a client of librdkafka keeps open beside what it needs, such as a connection to a broker's
/// bootstrap address. One producer that is never closed costs four threads and seven descriptors.
const SPARE_DESCRIPTORS: usize = 10;
const SPARE_THREADS: usize = 3;

/// What backlogs leave with the allocator. Before the first one a daemon holds 40 MB; in twenty minutes
/// of this it goes up and down between 50 and 70.
const SPARE_KB: u64 = 48 * 1024;

/// How often the daemon is killed before it lives through the rest.
const KILLS: usize = 2;

/// Calls whose answers are lost, late or cut off.
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

/// The failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trial {
    /// Some responses are lost.
    Lost,
    /// Some responses arrive late.
    Late,
    /// Connections close before a response.
    Cut,
    /// All connections end.
    CutAll,
    /// The daemon is suspended for a moment.
    Nap,
    /// The daemon is suspended until the group has removed it.
    Sleep,
    BrokerStopped,
    BrokerKilled,
    /// Another daemon joins and leaves.
    Guest,
    /// Another daemon joins and is killed.
    DyingGuest,
    /// Outputs that the client refuses to send, for their size.
    TooLarge,
    /// Outputs that the topics refuse, for what they take is lowered, and raised again.
    Limits,
    /// Records that nobody can read, with the name of a deletion in them.
    Unreadable,
    /// The topic of dead letters is deleted, and created again.
    DeadLettersGone,
    /// The webhook fails, refuses everything, keeps silent or hangs up.
    Webhook,
}

/// All failures; those that take little time occur more often.
const DECK: [Trial; 22] = [
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
    Trial::Limits,
    Trial::Unreadable,
    Trial::Unreadable,
    Trial::DeadLettersGone,
    Trial::Webhook,
    Trial::Webhook,
    Trial::Webhook,
];

/// What is written beside typical traffic.
#[derive(Debug, Clone, Copy)]
enum Special {
    /// Too large for the client of the destination, as it is.
    TooLarge,
    /// Too large for a topic whose limit is lowered.
    Large,
    Unreadable,
}

/// What was written, and which dead letters name a method of high sensitivity.
struct Written {
    audit: Audit,
    sensitive: HashSet<(usize, usize)>,
}

/// A source that is written to all the time, on a thread of its own.
struct Load {
    specials: Sender<Special>,
    thread: JoinHandle<Written>,
}

impl Load {
    fn start(audit: Audit) -> Load {
        let (specials, wanted) = channel();
        let thread = thread::spawn(move || {
            let sensitive = HashSet::new();
            let mut written = Written { audit, sensitive };
            loop {
                match wanted.try_recv() {
                    Ok(special) => written.put(special),
                    Err(TryRecvError::Empty) => written.audit.write(5),
                    Err(TryRecvError::Disconnected) => break,
                }
                // Sets the rate of the source; this is no synchronisation.
                thread::sleep(Duration::from_millis(20));
            }
            written.audit.flush();
            written
        });
        Load { specials, thread }
    }

    fn put(&self, special: Special) {
        self.specials.send(special).expect("the load runs");
    }

    fn stop(self) -> Written {
        drop(self.specials);
        self.thread.join().expect("no panic")
    }
}

impl Written {
    fn put(&mut self, special: Special) {
        match special {
            Special::TooLarge => self.put_large(450_000),
            Special::Large => self.put_large(20_000),
            Special::Unreadable => self.put_unreadable(),
        }
    }

    /// Events that are written without their raw parts, and what one of them raises all the same.
    fn put_large(&mut self, bytes: usize) {
        for (partition, is_deletion) in [(1, false), (2, true)] {
            let mut event = self.audit.next_event(partition, is_deletion);
            event["padding"] = "y".repeat(bytes).into();
            let fate = match is_deletion {
                true => Fate::Alert(STATEMENT_DELETED),
                false => Fate::Event,
            };
            self.audit
                .put(partition, &Given::value(event.to_string()), fate);
        }
        let cut = format!("{{\"cut\":\"{}", "z".repeat(bytes));
        self.audit
            .put(0, &Given::value(cut), Fate::DeadLetter("not_json"));
    }

    fn put_unreadable(&mut self) {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (value, reason) in [
            (
                r#"{"specversion":"1.0","data":{"methodName":"DeleteKafkaCluster","#.into(),
                "not_json",
            ),
            (
                format!(r#"{{"methodName":"DeleteKafkaCluster","x":{deep}}}"#),
                "too_deep",
            ),
        ] {
            let offset = self
                .audit
                .put(3, &Given::value(value), Fate::DeadLetter(reason));
            self.sensitive.insert((3, offset));
        }
    }
}

/// The daemon under test, and the failures that are applied to it.
struct Soak<'c> {
    clusters: &'c mut Clusters,
    deployment: &'c Deployment,
    daemon: &'c Daemon,
    load: &'c Load,
    webhook: &'c Stub,
    /// What stood in the topic of dead letters when it was deleted.
    kept: &'c mut Vec<Read>,
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
            Trial::TooLarge => self.load.put(Special::TooLarge),
            Trial::Limits => self.lower_limits(),
            Trial::Unreadable => self.load.put(Special::Unreadable),
            Trial::DeadLettersGone => self.delete_dead_letters(),
            Trial::Webhook => detail = self.disturb_webhook(),
        }
        self.pass(500, 3_000);
        detail
    }

    /// Topics take less for a while, and get more.
    fn lower_limits(&mut self) {
        let (clusters, deployment) = (&self.clusters, self.deployment);
        let topics = [
            &deployment.events,
            &deployment.alerts,
            &deployment.dead_letters,
        ];
        for topic in topics {
            limit_records(&clusters.destination, topic, 16_000);
        }
        self.load.put(Special::Large);
        self.pass(1_000, 3_000);
        for topic in topics {
            limit_records(&self.clusters.destination, topic, 1_048_588);
        }
    }

    /// What stands in the topic is remembered at a moment when nothing is written to it.
    fn delete_dead_letters(&mut self) {
        let topic = &self.deployment.dead_letters;
        let destination = &self.clusters.destination;
        self.daemon.signal("STOP");
        // An open transaction of the daemon ends before, and so do those of guests.
        thread::sleep(PAST_THE_TRANSACTION);
        self.kept.extend(read_committed(destination, topic));
        delete(destination, topic);
        self.daemon.signal("CONT");
        self.pass(500, 2_000);
        create(&self.clusters.destination, topic, 2);
    }

    /// Let the webhook answer badly for a while.
    fn disturb_webhook(&mut self) -> String {
        let replies = [
            Reply::Status(500, "", "down".into()),
            Reply::Status(400, "", "no".into()),
            Reply::Status(404, "", "no".into()),
            Reply::Status(429, "retry-after: 1\r\n", "slowly".into()),
            Reply::Silence(Duration::from_secs(2)),
            Reply::HalfClosed,
        ];
        let reply = replies[self.dice.below(replies.len() as u64) as usize].clone();
        let detail = format!(" {reply:?}");
        self.webhook.answer(move |_| reply.clone());
        self.pass(1_000, 4_000);
        self.webhook.answer(accept);
        detail
    }

    /// Let answers to some call are lost, late or cut off; those that are not made now do so in a later trial.
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

/// At the pace of a receiver, so that a kill finds a notification under way.
fn accept(_: &Received) -> Reply {
    thread::sleep(Duration::from_millis(10));
    ok()
}

#[test]
fn after_many_random_failures_nothing_is_missing_and_no_resource_has_grown() {
    let span_s = match std::env::var("WATCHBELL_TEST_SOAK_S") {
        Ok(span_s) => span_s.parse().expect("a number"),
        Err(_) => 120,
    };
    let mut clusters = clusters();
    let mut dice = Dice::new(17);
    let webhook = Stub::start(accept);
    let mut deployment = Deployment::new(&clusters, "soak");
    deployment.destination = clusters.proxy().bootstrap();
    deployment.properties = "linger.ms: 1, message.max.bytes: 400000".into();
    let hook = format!(
        "{{type: webhook, url: '{}/', timeout: 1s, digest_interval: 1s}}",
        webhook.url()
    );
    deployment.settings += &format!("notify: {{hook: {hook}}}\nmax_alert_age: 876000h\n");
    let audit = deployment.source(&clusters.source, "one");
    let mut daemon = deployment.start(0);
    daemon.wait_until_ready();
    let sink = format!("{}-notify-hook", deployment.group);
    let position = || committed(&clusters.destination, &sink, &deployment.alerts, 1)[0];
    assert!(
        eventually(LIMIT, || position() >= 0),
        "the sink has no position"
    );
    let watch = Watch::start(&clusters.destination, &deployment.events, 3);
    let load = Load::start(audit);
    for _ in 0..KILLS {
        thread::sleep(Duration::from_millis(1_000 + dice.below(2_000)));
        daemon.kill();
        daemon = deployment.start(0);
        daemon.wait_until_ready();
    }
    let mut kept = Vec::new();
    let mut soak = Soak {
        clusters: &mut clusters,
        deployment: &deployment,
        daemon: &daemon,
        load: &load,
        webhook: &webhook,
        kept: &mut kept,
        dice,
        deck: Vec::new(),
        dealt: BTreeMap::new(),
    };
    // Each of these makes clients anew: what they cost for good, they cost the first time.
    for trial in [
        Trial::TooLarge,
        Trial::Limits,
        Trial::Unreadable,
        Trial::Webhook,
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
    let Written {
        mut audit,
        sensitive,
    } = load.stop();
    audit.remember(&deployment.dead_letters, kept);
    deployment.wait_for(&clusters, &audit, LIMIT);
    let still = watch.stop();
    daemon.wait_until_ready();
    let aborts = daemon.metric_sum("watchbell_aborts_total");
    let unknown = daemon
        .log()
        .matches("the producer is replaced by a new one")
        .count();
    println!("  {dealt:?}: {aborts} aborts, {unknown} unknown, readers held up {still:.1?}");
    // Connections that are not used any more are closed one after the other.
    let mut after = daemon.resources();
    let settled = eventually(LIMIT, || {
        after = daemon.resources();
        after.descriptors <= before.descriptors + SPARE_DESCRIPTORS
            && after.threads <= before.threads + SPARE_THREADS
            && after.resident_kb <= before.resident_kb + SPARE_KB
    });
    println!("  after: {after:?}");
    assert!(settled, "grown: {before:?} to {after:?}");
    let told = Told::check_topic(&clusters, &deployment, &audit, &sensitive);
    let mut untold = Vec::new();
    let is_told = eventually(LIMIT, || {
        untold = told.untold(&webhook);
        untold.is_empty()
    });
    assert!(is_told, "the webhook does not know all of {untold:?}");
    println!("  {} alerts told again", told.repeats(&webhook));
    daemon.terminate();
    audit.check_exactly_once(&clusters, &deployment);
    assert!(still <= LONGEST_STILL, "readers were held up for {still:?}");
}
