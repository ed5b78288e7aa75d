//! A batch of the source is damaged on the broker's disk: its partition waits there, the others continue, one
//! alert reports it, and the printed command skips it. Nothing is skipped automatically.

use super::broker::{Broker, Clusters, clusters};
use super::daemon::{Deployment, watchbell};
use super::records::{committed, read_committed};
use super::{LIMIT, eventually};

const RECORDS_UNREADABLE: &str = "2bdeb38a-e1b8-465c-ad77-07d51b755b42";
const DAMAGED: usize = 2;

#[test]
fn the_partition_of_a_damaged_batch_waits_alerts_once_and_continues_after_the_printed_command() {
    let shared = clusters();
    let clusters = Clusters::of(
        Broker::start(),
        Broker::existing(shared.destination.bootstrap()),
    );
    damaged(clusters, "crc", |batch| {
        // A byte of the records: the checksum does not hold.
        let last = batch.len() - 1;
        batch[last] ^= 0x55;
    });
}

#[test]
fn a_batch_that_cannot_be_decompressed_is_treated_like_one_with_a_bad_checksum() {
    let shared = clusters();
    let clusters = Clusters::of(
        Broker::start(),
        Broker::existing(shared.destination.bootstrap()),
    );
    damaged(clusters, "codec", |batch| {
        // The checksum is correct, but the attributes say lz4 and the records are not compressed.
        batch[22] = 3;
        let checksum = crc32c(&batch[21..]).to_be_bytes();
        batch[17..21].copy_from_slice(&checksum);
    });
}

fn damaged(mut clusters: Clusters, name: &str, damage: impl Fn(&mut [u8])) {
    let mut deployment = Deployment::new(&clusters, name);
    let mut audit = deployment.source(&clusters.source, "one");
    for _ in 0..4 {
        audit.write(80);
        audit.flush();
    }
    let (topic, source) = (audit.topic.clone(), audit.source().to_owned());
    clusters.source.stop();
    let bad = clusters.source.damage(&topic, DAMAGED, 30, damage);
    clusters.source.start_again();

    let daemon = deployment.start(0);
    let way_past = format!(
        "watchbell offsets set --source {source} --partition {DAMAGED} --to {} --execute",
        bad.end
    );
    let says = |status, body: &str| {
        status == 503
            && body.contains("unreadable")
            && body.contains(&format!("from offset {} on", bad.start))
            && body.contains(&way_past)
    };
    let said = daemon.wait_for_page("/readyz", LIMIT, says);
    println!("  {}", said.trim());
    let gauge =
        format!("watchbell_unreadable_offset{{partition=\"{DAMAGED}\",source=\"{source}\"}}");
    // The gauge is set a moment after the probe says it.
    let shown = eventually(LIMIT, || daemon.metric(&gauge) == bad.start as u64);
    assert!(shown, "{}", daemon.metric(&gauge));
    // The other partitions continue, also with later records.
    audit.write(80);
    audit.flush();
    let mut expected = audit.written();
    expected[DAMAGED] = bad.start as i64;
    let (group, positions) = (deployment.group.clone(), audit.positions.clone());
    let wait_for = |expected: &[i64]| {
        let reached = eventually(LIMIT, || {
            committed(&clusters.destination, &group, &positions, 4) == expected
        });
        assert!(reached, "{expected:?} are not reached");
    };
    wait_for(&expected);
    assert!(eventually(LIMIT, || told(&clusters, &deployment) == 1));

    // After a restart it waits again, and there is no second alert.
    let (log, _) = daemon.terminate();
    assert!(log.contains("cannot be read from offset"), "{log}");
    let daemon = deployment.start(0);
    daemon.wait_for_page("/readyz", LIMIT, says);
    audit.write(80);
    audit.flush();
    let mut expected = audit.written();
    expected[DAMAGED] = bad.start as i64;
    wait_for(&expected);
    assert_eq!(told(&clusters, &deployment), 1);
    daemon.terminate();

    let file = deployment.file("watchbell.yaml");
    let mut arguments: Vec<&str> = way_past.split(' ').skip(1).collect();
    arguments.extend(["-c", file.to_str().expect("a path")]);
    let moved = eventually(LIMIT, || {
        // The group may not have noticed yet that its member has left.
        watchbell(&arguments).status.success()
    });
    assert!(moved, "{:?}", watchbell(&arguments));
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    daemon.wait_until_ready();
    assert_eq!(daemon.metric(&gauge), 0);
    audit.expire(DAMAGED, bad);
    audit.check_exactly_once(&clusters, &deployment);
    daemon.terminate();
}

/// Number of alerts about damaged records.
fn told(clusters: &Clusters, deployment: &Deployment) -> usize {
    let alerts = read_committed(&clusters.destination, &deployment.alerts);
    let of_ours = alerts.iter().filter(|alert| {
        let value = alert.value.as_deref().unwrap_or_default();
        String::from_utf8_lossy(value).contains(RECORDS_UNREADABLE)
    });
    of_ours.count()
}

/// The checksum of a record batch: CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(!0, step)
}
