//! Every source record exactly once under read_committed, in order, whatever dies.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use watchbell::event::Partition;
use watchbell::kafka::session::{Delivery, Lag, Refusal};

use super::broker::clusters;
use super::eventually;
use super::passthrough::{ChildSession, Running, Setting};
use super::records::{Source, aborted, create, read_committed};

/// Small, seeded randomness: the seed is printed and can be given again.
struct Dice(u64);

impl Dice {
    fn new(default_seed: u64) -> Dice {
        let seed = match std::env::var("WATCHBELL_TEST_SEED") {
            Ok(seed) => seed.parse().expect("a number"),
            Err(_) => default_seed,
        };
        println!("  WATCHBELL_TEST_SEED={seed}");
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

const LIMIT: Duration = Duration::from_secs(90);

/// How a session meets its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    KillOrTerminate,
}

/// Records flow for `span` while either of two sessions dies at random and is started again.
/// Returns the sessions alive at the end.
fn survive(
    setting: &Setting,
    source: &mut Source,
    end: End,
    span: Duration,
    seed: u64,
) -> Vec<ChildSession> {
    let mut dice = Dice::new(seed);
    let start = |ordinal| ChildSession::start(setting, ordinal);
    let mut sessions = vec![start(0), start(1)];
    let (mut kills, mut terminations) = (0, 0);
    let until = Instant::now() + span;
    let mut next_death = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        source.write(50);
        // The pace of the source, not a wait for something to happen.
        std::thread::sleep(Duration::from_millis(10));
        if Instant::now() < next_death {
            continue;
        }
        let ordinal = dice.below(2) as u32;
        let session = sessions.remove(ordinal as usize);
        if end == End::KillOrTerminate && dice.below(2) == 0 {
            session.terminate();
            terminations += 1;
        } else {
            session.kill();
            kills += 1;
        }
        sessions.insert(ordinal as usize, start(ordinal));
        // Often in the middle of a rebalance, often in the middle of the stream: a dead member
        // holds its partitions for the 14 s of its session.
        let longest = if dice.below(2) == 0 { 2_000 } else { 12_000 };
        next_death = Instant::now() + Duration::from_millis(300 + dice.below(longest));
    }
    source.flush();
    println!("  {kills} kill -9, {terminations} SIGTERM");
    sessions
}

#[test]
fn two_clusters_two_workers_killed_at_random_for_a_minute() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "killed");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let span = Duration::from_secs(60);
    let sessions = survive(&setting, &mut source, End::Kill, span, 11);
    setting.wait_for(&clusters, &source.written, LIMIT);
    for session in sessions {
        session.terminate();
    }
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn a_session_that_dies_in_an_open_transaction_leaves_nothing_visible() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "died");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(20_000);
    source.flush();
    for fuse in [5_250, 3_001] {
        ChildSession::start_with_fuse(&setting, 0, fuse).wait_for_death();
    }
    let session = ChildSession::start(&setting, 0);
    setting.wait_for(&clusters, &source.written, LIMIT);
    session.terminate();
    setting.check_exactly_once(&clusters, &source.written);
    let aborted = aborted(&clusters.destination, &setting.output);
    println!("  {aborted} records of aborted transactions, hidden from careful readers");
    assert!(aborted >= 500, "the sessions did not die in a transaction");
}

#[test]
fn one_cluster_two_workers_killed_or_terminated_at_any_moment() {
    let clusters = clusters();
    let setting = Setting::within(&clusters, "within");
    let mut source = Source::new(&clusters.destination, &setting.source_topic, 4);
    let span = Duration::from_secs(25);
    let sessions = survive(&setting, &mut source, End::KillOrTerminate, span, 12);
    setting.wait_for(&clusters, &source.written, LIMIT);
    drop(sessions);
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn at_least_once_misses_nothing_when_killed() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "repeated");
    setting.config.delivery = Delivery::AtLeastOnce;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let span = Duration::from_secs(15);
    let sessions = survive(&setting, &mut source, End::Kill, span, 13);
    setting.wait_for(&clusters, &source.written, LIMIT);
    drop(sessions);
    setting.check_at_least_once(&clusters, &source.written);
}

#[test]
fn sigterm_commits_what_was_begun_and_repeats_nothing() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "terminated");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    for round in 0..6 {
        let session = ChildSession::start(&setting, 0);
        source.write(3_000);
        source.flush();
        // From the moment before the group is joined to the middle of the stream.
        std::thread::sleep(Duration::from_millis(150 * round * round));
        session.terminate();
    }
    let session = ChildSession::start(&setting, 0);
    setting.wait_for(&clusters, &source.written, LIMIT);
    session.terminate();
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn members_come_and_go_while_transactions_are_open() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "rebalanced");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let first = Running::start(&setting.config, setting.worker());
    let mut second_config = setting.config.clone();
    second_config.ordinal = 1;
    let mut shared = 0;
    for _ in 0..3 {
        let second = Running::start(&second_config, setting.worker());
        let balanced = eventually(Duration::from_secs(20), || {
            source.write(200);
            first.heard.assigned.lock().unwrap().len() == 2
                && second.heard.assigned.lock().unwrap().len() == 2
        });
        assert!(balanced, "two members do not share four partitions");
        shared += second.stop().records.load(Ordering::Relaxed);
        let taken_back = eventually(Duration::from_secs(20), || {
            source.write(200);
            first.heard.assigned.lock().unwrap().len() == 4
        });
        assert!(taken_back, "the first member does not take over");
    }
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    println!("  the second member committed {shared} records");
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn a_member_that_slept_past_its_session_is_fenced() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "slept");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let sleeper = ChildSession::start(&setting, 0);
    source.write(20_000);
    source.flush();
    let begun = eventually(LIMIT, || {
        source.write(100);
        !read_committed(&clusters.destination, &setting.output).is_empty()
    });
    assert!(begun, "nothing flows");
    source.write(20_000);
    source.flush();
    sleeper.signal("STOP");
    let successor = ChildSession::start(&setting, 1);
    setting.wait_for(&clusters, &source.written, LIMIT);
    source.write(5_000);
    sleeper.signal("CONT");
    source.write(5_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    sleeper.terminate();
    successor.terminate();
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn a_member_without_partitions_is_ready_and_takes_over() {
    let clusters = clusters();
    let mut setting = Setting::within(&clusters, "spare");
    setting.source_topic += ".single";
    setting.config.source_topic = setting.source_topic.clone();
    create(&clusters.destination, &setting.source_topic, 1);
    let mut source = Source::new(&clusters.destination, &setting.source_topic, 1);
    let first = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || first.heard.is_ready()));
    let mut spare_config = setting.config.clone();
    spare_config.ordinal = 1;
    let spare = Running::start(&spare_config, setting.worker());
    let ready = eventually(LIMIT, || {
        let said = spare.heard.troubles.lock().unwrap().contains(&"joining");
        said && spare.heard.not_ready.lock().unwrap().is_none()
    });
    assert!(ready, "{:?}", spare.heard);
    assert!(spare.heard.assigned.lock().unwrap().is_empty());
    source.write(1_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    let lag = || first.heard.lag.lock().unwrap().get(&Partition(0)).copied();
    let caught_up = eventually(LIMIT, || lag() == Some(Lag::CAUGHT_UP));
    assert!(caught_up, "{:?}", lag());
    first.stop();
    source.write(1_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    spare.stop();
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn aborted_batches_are_read_again() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "aborted");
    setting.config.commit_records = 500;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(20_000);
    source.flush();
    let mut worker = setting.worker();
    let (mut seen, mut refusals) = (0_u64, 0);
    worker.before = Box::new(move |_| {
        seen += 1;
        if seen % 3_001 == 0 && refusals < 6 {
            refusals += 1;
            return Err(Refusal {
                reason: "forced",
                detail: "by the test".into(),
            });
        }
        Ok(())
    });
    let running = Running::start(&setting.config, worker);
    setting.wait_for(&clusters, &source.written, LIMIT);
    let heard = running.stop();
    assert_eq!(heard.aborts.lock().unwrap().get("forced"), Some(&6));
    setting.check_exactly_once(&clusters, &source.written);
}

#[test]
fn brokers_that_restart_cost_nothing_but_time() {
    let mut clusters = clusters();
    let setting = Setting::across(&clusters, "restarted");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let running = Running::start(&setting.config, setting.worker());
    source.write(10_000);
    source.flush();
    let flowing = eventually(LIMIT, || running.heard.records.load(Ordering::Relaxed) > 0);
    assert!(flowing, "nothing flows");
    source.write(20_000);
    source.flush();
    clusters.destination.kill();
    clusters.destination.start_again();
    source.write(5_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    clusters.source.stop();
    let noticed = eventually(LIMIT, || !running.heard.is_ready());
    assert!(noticed, "ready although the source is gone");
    clusters.source.start_again();
    source.write(5_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert!(
        eventually(LIMIT, || running.heard.is_ready()),
        "ready again"
    );
    running.stop();
    setting.check_exactly_once(&clusters, &source.written);
}
