//! An abandoned transaction makes every `read_committed` consumer of its partitions wait until the cluster
//! aborts it. Measures how long that takes.

use std::time::{Duration, Instant};

use super::audit::Audit;
use super::broker::clusters;
use super::daemon::{Daemon, Deployment};
use super::flow::{Ends, write_until_open};
use super::stable::BUSY;
use super::{LIMIT, eventually};

/// For how long at most the last stable offset stands still once a daemon is gone, or sleeps:
/// `transaction_timeout` (3 s) from the first output on, the time until the coordinator looks (1 s
/// here, 10 s by default), plus a reserve for a busy machine.
const HELD_BACK: Duration = Duration::from_secs(3 + 1).saturating_add(BUSY);

/// Writes records, and sends the signal as soon as a transaction is open.
fn strike(daemon: &Daemon, audit: &mut Audit, ends: &Ends, signal: &str) -> Instant {
    write_until_open(audit, ends);
    daemon.signal(signal);
    Instant::now()
}

/// How often it is tried again where a transaction was over when the signal came.
const ATTEMPTS: usize = 10;

/// How long it takes until `read_committed` consumers see as much as others did when it was struck.
fn held_back(struck: Instant, ends: &Ends) -> Duration {
    let written = ends.written();
    let moved = eventually(LIMIT, || {
        let stable = ends.stable();
        stable
            .iter()
            .zip(&written)
            .all(|(stable, end)| stable >= end)
    });
    assert!(moved, "the last stable offset does not move");
    struck.elapsed()
}

#[test]
fn the_last_stable_offset_moves_again_after_a_kill_and_while_a_daemon_sleeps_for_good() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "abandoned");
    // Full batches are sent at once, the rest waits: meanwhile the transaction is open and can be seen.
    deployment.properties = "linger.ms: 2000, batch.size: 16384".into();
    let mut audit = deployment.source(&clusters.source, "one");
    let ends = Ends::of(&clusters.destination, &deployment.events, 3);

    let mut attempts = 0..ATTEMPTS;
    let struck = loop {
        assert!(
            attempts.next().is_some(),
            "it was over when the daemon was killed"
        );
        let killed = deployment.start(0);
        killed.wait_until_ready();
        let struck = strike(&killed, &mut audit, &ends, "KILL");
        let is_open = ends.is_open();
        let (status, _) = killed.wait();
        assert_eq!(status.code(), None, "{status}");
        if is_open {
            break struck;
        }
    };
    let after_kill = held_back(struck, &ends);

    // One daemon is suspended with an open transaction, and another one takes over.
    let sleeper = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    let mut attempts = 0..ATTEMPTS;
    let struck = loop {
        assert!(
            attempts.next().is_some(),
            "it was over when the daemon was stopped"
        );
        let struck = strike(&sleeper, &mut audit, &ends, "STOP");
        if ends.is_open() {
            break struck;
        }
        sleeper.signal("CONT");
    };
    let successor = deployment.start(1);
    let asleep = held_back(struck, &ends);
    deployment.wait_for(&clusters, &audit, LIMIT);
    let taken_over = struck.elapsed();
    sleeper.kill();
    successor.terminate();
    println!(
        "  readers were held back for {after_kill:?} after a kill, for {asleep:?} by a sleeper, \
         whose partitions others had after {taken_over:?}"
    );
    assert!(after_kill < HELD_BACK, "{after_kill:?}");
    assert!(asleep < HELD_BACK, "{asleep:?}");
    audit.check_exactly_once(&clusters, &deployment);
}
