//! Delivery on real brokers: cargo test --test kafka (needs a JVM and Maven).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Administrative operations on topics and groups.
mod admin;
/// Alertmanager, as Debian ships it.
mod alertmanager;
/// Audit events, and the expected result of each.
mod audit;
/// Apache Kafka, started and restarted.
mod broker;
/// The real binary: started, observed, stopped, killed.
mod daemon;
/// Continuous writing, and interruptions of the outputs.
mod flow;
mod follow;
/// A Kafka process.
mod node;
/// The checks of a session's outputs, and the worker that makes them.
mod passthrough;
/// What topics and sinks do not show.
mod privacy;
/// A proxy that loses, delays or cuts off responses.
mod proxy;
/// A cluster of three brokers.
mod quorum;
/// Writing sources, reading outputs.
mod records;
/// A broker with passwords, certificates and an authorizer.
mod secured;
/// A broker that behaves like the Kafka endpoint of Alibaba Cloud's Simple Log Service.
mod sls;
/// The last stable offset.
mod stable;
/// A model of the expected alerts and notifications.
mod told;

/// The last stable offset after a daemon with an open transaction has ended.
mod abandoned;
/// The archive of the output topics.
#[cfg(feature = "archive")]
mod archived;
/// Records that no producer should write.
mod bad_input;
/// A source that is damaged on the broker's disk.
mod corrupted;
/// Dead letters that are retried.
mod dead_letters;
/// Exactly once within a session: rebalances, spare members, aborts.
mod delivery;
/// `watchbell run`: every record has its result exactly once, whatever is killed.
mod end_to_end;
/// Brokers of a cluster fail one after the other.
mod failover;
/// Losses are alerts.
mod gaps;
/// Sources whose offsets jump, beside others.
mod jumping;
/// Lag, and the copies of positions on the source cluster.
mod lag;
/// The ledger of what was read.
#[cfg(feature = "archive")]
mod ledger;
/// Records that hold several events.
mod lists;
/// A group that has lost its positions.
mod lost;
/// Alerts to sinks, whatever is killed.
mod notify;
/// Alerts to sinks that are late, refused or unreadable, and a re-created alerts topic.
mod notify_faults;
/// Showing and moving positions.
mod offsets;
/// Brokers that are down for long, or full.
mod outage;
/// Where a source begins, and what happens when its records are gone.
mod positions;
/// A re-created source, and records that only expired.
mod recreated;
/// Records and topics that cannot be written.
mod refusals;
/// Output topics and rights that are missing, and come back.
mod repaired;
/// Dead letters that are retried on the page.
#[cfg(feature = "archive")]
mod retried_page;
/// Events in the topics of routes, and what was dropped.
mod routes;
/// Questions to the archive and the topics.
#[cfg(feature = "archive")]
mod searched;
/// Logging in, rights, and what happens when they are missing.
mod security;
/// Idle and unreachable sources beside a working one.
mod silent;
/// All failures at random, for minutes.
mod soak;
/// Where sources stand, on the page.
#[cfg(feature = "archive")]
mod sources_page;
/// One source stops, the others go on.
mod stopped;
/// Storages of the archive that are full, refuse requests, or let credentials expire.
#[cfg(feature = "archive")]
mod storage_faults;
/// Suppressions in a running daemon.
mod suppressed;
/// Outputs larger than their topics take.
mod too_large;
/// What people decide of alerts on several pages.
#[cfg(feature = "archive")]
mod triaged;
/// From a release with other transactional ids.
mod upgrade;
/// `tail` and `show`.
mod viewing;
/// How long tests wait.
mod wait;
/// Responses of the cluster that are lost, late or cut off.
mod wire;

/// Programs from PyPI.
#[cfg(feature = "archive")]
#[path = "../archive/python.rs"]
mod python;
/// An S3 server.
#[cfg(feature = "archive")]
#[path = "../archive/s3.rs"]
#[allow(dead_code)]
mod s3;
#[path = "../stub/mod.rs"]
mod stub;

use wait::{LIMIT, eventually};

/// Small, seeded randomness: the seed is printed and can be given again.
pub struct Dice(u64);

impl Dice {
    pub fn new(default_seed: u64) -> Dice {
        let seed = match std::env::var("WATCHBELL_TEST_SEED") {
            Ok(seed) => seed.parse().expect("a number"),
            Err(_) => default_seed,
        };
        println!("  WATCHBELL_TEST_SEED={seed}");
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
