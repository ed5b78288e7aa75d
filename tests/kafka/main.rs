//! Delivery on real brokers: cargo test --test kafka (needs a JVM and Maven).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What operators and time do to topics and groups.
mod admin;
/// Alertmanager, as Debian ships it.
mod alertmanager;
/// Audit events, and what must become of each.
mod audit;
/// Apache Kafka, started and restarted.
mod broker;
/// The real binary: started, watched, stopped, killed.
mod daemon;
/// Records that keep coming, and how steadily they come out.
mod flow;
mod follow;
/// A Kafka process.
mod node;
/// What must hold of a session's outputs, and the worker that makes them.
mod passthrough;
/// A network that loses answers.
mod proxy;
/// A cluster of three brokers.
mod quorum;
/// Writing sources, reading outputs.
mod records;
/// A broker with passwords, certificates and an authorizer.
mod secured;
/// How far careful readers see.
mod stable;
/// Which alerts must be, and who must be told of them.
mod told;

/// The last stable offset after the end of whoever holds it.
mod abandoned;
/// Records that no producer should write.
mod bad_input;
/// A source that is damaged on the broker's disk.
mod corrupted;
/// Nothing lost, nothing twice, seen from inside a session: rebalances, spare members, aborts.
mod delivery;
/// `watchbell run`: whatever dies, each record ends where it must, exactly once.
mod end_to_end;
/// Brokers of a cluster fail one after the other.
mod failover;
/// Losses are alerts.
mod gaps;
/// Lag, and what is done about it on the source cluster.
mod lag;
/// A group that has lost its positions.
mod lost;
/// Alerts to sinks, whatever dies.
mod notify;
/// Alerts to sinks although something is late, refused, unreadable or gone.
mod notify_faults;
/// Positions shown and moved from outside.
mod offsets;
/// Brokers that are away for long, or full.
mod outage;
/// Where a source begins, and what happens when its records are gone.
mod positions;
/// A source that is not what it was, and records that are merely gone.
mod recreated;
/// Records and topics that cannot be written.
mod refusals;
/// Output topics and rights that are missing, and come back.
mod repaired;
/// Logging in, rights, and what happens when they are missing.
mod security;
/// Sources that keep silent beside one that flows.
mod silent;
/// Everything at once, for minutes.
mod soak;
/// One source stops, the others go on.
mod stopped;
/// Outputs larger than their topics take.
mod too_large;
/// From a release with other transactional ids.
mod upgrade;
/// What a person sees of the outputs.
mod viewing;
/// Answers of the cluster that never arrive, arrive late, or end with the connection.
mod wire;

#[path = "../stub/mod.rs"]
mod stub;

use std::time::{Duration, Instant};

/// Try until it holds or the time is over.
pub fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

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
