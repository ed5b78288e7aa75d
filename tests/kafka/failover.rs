//! Three brokers fail one after the other while records are processed: the daemon finds the new coordinators
//! and leaders by itself, and processing continues while one broker is down.

use std::time::{Duration, Instant};

use super::broker::turn;
use super::daemon::Deployment;
use super::flow::{Flow, Pulse};
use super::quorum::{BROKER_SESSION_MS, Coordinator, Quorum, REQUEST_MS};
use super::records::committed;
use super::{LIMIT, eventually};

/// For how long at most nothing new may be seen after a broker has failed: until the others take it
/// for dead; until the open transaction has timed out (3 s) and its end has reached the new leaders;
/// the longest rest between two attempts (5 s); plus a reserve for a busy machine, on which a coordinator alone
/// may need 10 s to load its state. A daemon that waits for the failed broker itself never continues.
const STILL: Duration =
    Duration::from_millis(BROKER_SESSION_MS + 3_000 + REQUEST_MS + 5_000 + 42_000);

/// What the broker is to be at the moment when it fails.
#[derive(Debug, Clone, Copy)]
enum Role {
    GroupCoordinator,
    TransactionCoordinator,
    OutputLeader,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Killed,
    ShutDown,
}

/// The names by which roles are found.
struct Names {
    group: String,
    transactional_id: String,
    source: String,
    events: String,
}

impl Names {
    fn holder(&self, quorum: &Quorum, role: Role) -> Option<usize> {
        match role {
            Role::GroupCoordinator => quorum.coordinator(Coordinator::Group, &self.group),
            Role::TransactionCoordinator => {
                quorum.coordinator(Coordinator::Transaction, &self.transactional_id)
            }
            Role::OutputLeader => quorum.leader(&self.events, 0),
        }
    }

    fn is_source_leader(&self, quorum: &Quorum, broker: usize) -> bool {
        (0..4).any(|partition| quorum.leader(&self.source, partition) == Some(broker))
    }
}

#[test]
fn any_broker_of_three_may_fail_while_records_flow() {
    let _turn = turn();
    let begun = Instant::now();
    let mut quorum = Quorum::start();
    println!("  three brokers after {:?}", begun.elapsed());
    let clusters = quorum.clusters();
    let mut deployment = Deployment::new(&clusters, "failover");
    let audit = deployment.source(&clusters.source, "one");
    let names = Names {
        group: deployment.group.clone(),
        transactional_id: format!("{}/{}/0/0", deployment.group, audit.source()),
        source: audit.topic.clone(),
        events: deployment.events.clone(),
    };
    let positions = audit.positions.clone();
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    let flow = Flow::start(audit);
    let seen = |at_least: &[i64]| {
        let has = committed(&clusters.destination, &names.group, &positions, 4);
        has.iter().zip(at_least).all(|(has, wanted)| has > wanted)
    };
    assert!(eventually(LIMIT, || seen(&[10; 4])), "nothing flows");
    let pulse = Pulse::start(&clusters.destination, &deployment.events, 3);
    let mut source_leaders = 0;
    for (role, end) in [
        (Role::GroupCoordinator, End::Killed),
        (Role::TransactionCoordinator, End::Killed),
        (Role::OutputLeader, End::Killed),
        (Role::GroupCoordinator, End::ShutDown),
    ] {
        let mut victim = None;
        let found = eventually(LIMIT, || {
            victim = names.holder(&quorum, role);
            victim.is_some()
        });
        assert!(found, "nobody is {role:?}");
        let victim = victim.expect("a broker");
        source_leaders += usize::from(names.is_source_leader(&quorum, victim));
        match end {
            End::Killed => quorum.kill(victim),
            End::ShutDown => quorum.stop(victim),
        }
        let failed = Instant::now();
        let before = flow.audit().written();
        // The broker stays away until records written without it have come out.
        assert!(
            eventually(STILL, || seen(&before)),
            "stuck without {role:?}"
        );
        let flowing = failed.elapsed();
        quorum.start_again(victim);
        let whole = failed.elapsed();
        println!(
            "  broker {victim}, {role:?}, {end:?}: flows after {flowing:?}, whole after {whole:?}"
        );
    }
    let still = pulse.stop();
    assert!(source_leaders > 0, "the source's leaders were spared");
    let audit = flow.stop();
    deployment.wait_for(&clusters, &audit, LIMIT);
    daemon.wait_until_ready();
    daemon.terminate();
    println!("  the last stable offsets stood still for {still:?} at most");
    assert!(still.iter().all(|still| *still < STILL), "{still:?}");
    audit.check_exactly_once(&clusters, &deployment);
}
