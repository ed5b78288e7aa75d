//! Brokers that are down for longer than every time-out, or have full disks: the daemon waits, reports it,
//! needs no more memory, and continues by itself.

use std::time::{Duration, Instant};

use super::LIMIT;
use super::audit::{Audit, Fate, Given};
use super::broker::{Broker, Clusters, Extras, clusters};
use super::daemon::{Daemon, Deployment};
use super::flow::{Ends, write_until_open};
use super::records::aborted;

/// Longer than the session time-out (14 s), and by far longer than the transaction time-out (3 s).
const PAST_THE_SESSION: Duration = Duration::from_secs(17);

/// Longer than the transaction time-out and the second that the coordinator takes to look.
const PAST_THE_TRANSACTION: Duration = Duration::from_secs(7);

/// Longest wait for records after the brokers answer again: the longest rest between two attempts
/// (5 s), the session time-out, for which the group waits for the member that lost its session and
/// is the same daemon (14 s), plus a reserve for a busy machine.
const BACK: Duration = Duration::from_secs(5 + 14 + 45);

/// What a daemon may hold beyond what it held before: one transaction (16 MiB of source records)
/// and what the reader fetches ahead (8 MiB for each of four partitions), with their outputs.
const MEMORY_KB: u64 = 96 * 1024;

/// Let a cluster be away for `span`, while some 300 records a second are handed to the source.
/// Readiness falls, if it has not yet, and does not rise; returns the most memory that was held, in
/// KiB.
fn endure(daemon: &Daemon, audit: &mut Audit, span: Duration, mut fallen: bool) -> u64 {
    let until = Instant::now() + span;
    let mut peak_kb = 0;
    while Instant::now() < until || !fallen {
        for _ in 0..20 {
            audit.write(5);
            // Sets the rate of the source; this is no synchronisation.
            std::thread::sleep(Duration::from_millis(15));
        }
        peak_kb = peak_kb.max(daemon.resident_kb());
        match daemon.ready() {
            Err(said) if said.contains("unreachable") => fallen = true,
            Err(_) => {}
            Ok(()) => assert!(
                !fallen && Instant::now() < until + LIMIT,
                "ready although a cluster is away"
            ),
        }
    }
    peak_kb
}

/// Wait until the daemon reads again and everything has come out, and say after what time.
fn recover(clusters: &Clusters, deployment: &Deployment, daemon: &Daemon, audit: &Audit) {
    let back = Instant::now();
    audit.flush();
    daemon.wait_until_ready();
    let ready = back.elapsed();
    let metric = format!(
        "watchbell_assigned_partitions{{source=\"{}\"}}",
        audit.source()
    );
    assert_eq!(daemon.metric(&metric), 4, "ready without partitions");
    deployment.wait_for(clusters, audit, LIMIT);
    let written = back.elapsed();
    println!("  ready {ready:?} after the brokers answer, all is written after {written:?}");
    assert!(ready < BACK, "{ready:?}");
}

#[test]
fn the_daemon_continues_when_brokers_return_after_every_time_out() {
    let mut clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "outage");
    // Full batches are sent at once, the rest waits: meanwhile the transaction is open and can be seen.
    deployment.properties = "linger.ms: 1000, batch.size: 16384".into();
    let mut audit = deployment.source(&clusters.source, "one");
    let ends = Ends::of(&clusters.destination, &deployment.events, 3);
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    audit.write(4_000);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let before_kb = daemon.resident_kb();

    clusters.source.kill();
    let mut peak_kb = endure(&daemon, &mut audit, PAST_THE_TRANSACTION, false);
    clusters.source.start_again();
    recover(&clusters, &deployment, &daemon, &audit);

    write_until_open(&mut audit, &ends);
    clusters.destination.kill();
    let away = Instant::now();
    peak_kb = peak_kb.max(endure(&daemon, &mut audit, PAST_THE_TRANSACTION, false));
    clusters.source.kill();
    peak_kb = peak_kb.max(endure(&daemon, &mut audit, PAST_THE_TRANSACTION, true));
    clusters.source.start_again();
    // At least long enough to see that one of two is not enough.
    let rest = PAST_THE_SESSION.saturating_sub(away.elapsed());
    let rest = rest.max(Duration::from_secs(4));
    peak_kb = peak_kb.max(endure(&daemon, &mut audit, rest, true));
    clusters.destination.start_again();
    recover(&clusters, &deployment, &daemon, &audit);
    let hidden = aborted(&clusters.destination, &deployment.events);
    assert!(hidden > 0, "no transaction was open");
    daemon.terminate();
    println!("  {before_kb} KiB before, {peak_kb} KiB at most while a cluster was away");
    assert!(peak_kb < before_kb + MEMORY_KB, "{peak_kb} KiB");
    audit.check_exactly_once(&clusters, &deployment);
}

/// More than Kafka's largest index (10 MiB), which it makes at once.
const LARGEST_FILE_KB: u32 = 12 * 1024;

/// Write 18 MB of events that all go to one partition, since one person has caused them.
fn write_much(audit: &mut Audit) {
    let text = "x".repeat(300_000);
    for number in 0..60 {
        let partition = number % 4;
        let id = audit.next_id(partition);
        let event = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"crn://confluent.cloud/","type":"io.confluent.kafka.server/request","time":"2026-03-14T09:26:53Z","data":{{"serviceName":"crn://confluent.cloud/","methodName":"kafka.CreatePartitions","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-k2p8dd"}}}}}},"request":{{"note":"{text}"}},"result":{{"status":"SUCCESS"}}}}}}"#
        );
        audit.put(partition, &Given::value(event), Fate::Event);
    }
    audit.flush();
}

#[test]
fn the_daemon_waits_for_a_destination_with_full_disks() {
    let shared = clusters();
    let mut clusters = Clusters::of(
        Broker::existing(shared.source.bootstrap()),
        Broker::start_on_a_small_disk(LARGEST_FILE_KB, &Extras::default()),
    );
    let mut deployment = Deployment::new(&clusters, "full");
    deployment.properties += ", compression.type: none";
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    write_much(&mut audit);
    clusters.destination.wait_until_gone();
    // How long it may be away is what the other test is about.
    endure(&daemon, &mut audit, Duration::ZERO, false);
    clusters.destination.start_again();
    recover(&clusters, &deployment, &daemon, &audit);
    daemon.terminate();
    audit.check_exactly_once(&clusters, &deployment);
}
