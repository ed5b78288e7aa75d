//! `watchbell run` with the shipped rules: every record becomes an event with its alerts, or a dead letter,
//! exactly once and in order, while processes are killed, stopped, restarted, added or reloaded.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::audit::{Audit, Fate, Given};
use super::broker::{Clusters, clusters};
use super::daemon::{Daemon, Deployment};
use super::records::{aborted, read_committed};
use super::{Dice, LIMIT, eventually};

/// How a daemon is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    KillOrTerminate,
}

/// Two daemons of which either may die at any moment, to be started again at once.
struct Pair<'d> {
    deployment: &'d Deployment,
    daemons: Vec<Daemon>,
    dice: Dice,
    end: End,
    next_death: Instant,
    kills: usize,
    terminations: usize,
}

impl<'d> Pair<'d> {
    fn start(deployment: &'d Deployment, end: End, seed: u64) -> Pair<'d> {
        Pair {
            deployment,
            daemons: vec![deployment.start(0), deployment.start(1)],
            dice: Dice::new(seed),
            end,
            next_death: Instant::now() + Duration::from_secs(3),
            kills: 0,
            terminations: 0,
        }
    }

    /// Let records flow for `span`.
    fn survive(&mut self, audit: &mut Audit, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            audit.write(10);
            // Sets the rate of the source; this is no synchronisation.
            std::thread::sleep(Duration::from_millis(10));
            if Instant::now() >= self.next_death {
                self.one_dies();
            }
        }
        audit.flush();
    }

    fn one_dies(&mut self) {
        let ordinal = self.dice.below(2) as usize;
        let daemon = self.daemons.remove(ordinal);
        if self.end == End::KillOrTerminate && self.dice.below(2) == 0 {
            daemon.terminate();
            self.terminations += 1;
        } else {
            daemon.kill();
            self.kills += 1;
        }
        let successor = self.deployment.start(ordinal as u32);
        self.daemons.insert(ordinal, successor);
        // Often in the middle of a rebalance, often in the middle of the stream: a dead member
        // holds its partitions for the 14 s of its session.
        let longest = if self.dice.below(2) == 0 {
            2_000
        } else {
            12_000
        };
        self.next_death = Instant::now() + Duration::from_millis(300 + self.dice.below(longest));
    }

    fn stop(self) {
        println!("  {} kill -9, {} SIGTERM", self.kills, self.terminations);
        for daemon in self.daemons {
            daemon.terminate();
        }
    }
}

#[test]
fn two_clusters_two_daemons_killed_at_random_for_a_minute() {
    let mut clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "killed");
    let mut audit = deployment.source(&clusters.source, "one");
    let mut pair = Pair::start(&deployment, End::Kill, 11);
    pair.survive(&mut audit, Duration::from_secs(25));
    clusters.destination.kill();
    clusters.destination.start_again();
    pair.survive(&mut audit, Duration::from_secs(15));
    clusters.source.stop();
    clusters.source.start_again();
    pair.survive(&mut audit, Duration::from_secs(20));
    deployment.wait_for(&clusters, &audit, LIMIT);
    pair.stop();
    audit.check_exactly_once(&clusters, &deployment);
    let aborted = aborted(&clusters.destination, &deployment.events);
    println!("  {aborted} events of aborted transactions, hidden from careful readers");
}

#[test]
fn one_cluster_two_daemons_killed_or_terminated_at_any_moment() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "within");
    let mut audit = deployment.source(&clusters.destination, "one");
    let mut pair = Pair::start(&deployment, End::KillOrTerminate, 12);
    pair.survive(&mut audit, Duration::from_secs(20));
    deployment.wait_for(&clusters, &audit, LIMIT);
    pair.stop();
    audit.check_exactly_once(&clusters, &deployment);
}

#[test]
fn at_least_once_loses_nothing_when_killed() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "repeated");
    deployment.settings += "delivery: at_least_once\n";
    let mut audit = deployment.source(&clusters.source, "one");
    let mut pair = Pair::start(&deployment, End::Kill, 13);
    pair.survive(&mut audit, Duration::from_secs(12));
    deployment.wait_for(&clusters, &audit, LIMIT);
    pair.stop();
    audit.check_at_least_once(&clusters, &deployment);
}

/// How long the rest of a batch waits in the test that looks at open transactions.
const LINGER: Duration = Duration::from_secs(5);

/// Events written and not yet committed, or aborted.
fn uncommitted(clusters: &Clusters, deployment: &Deployment) -> usize {
    aborted(&clusters.destination, &deployment.events)
}

/// Writes until a transaction is seen to be open, beside so many events of earlier ones that were aborted.
fn write_until_open(
    clusters: &Clusters,
    deployment: &Deployment,
    audit: &mut Audit,
    hidden: usize,
) {
    let open = eventually(LIMIT, || {
        audit.write(400);
        audit.flush();
        // A transaction may be open for less time than lies between two looks.
        eventually(LINGER, || uncommitted(clusters, deployment) > hidden)
    });
    assert!(open, "no transaction is seen to be open");
}

#[test]
fn an_open_transaction_is_committed_at_a_rebalance_and_at_shutdown_and_aborted_after_a_kill() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "open");
    // Full batches are sent at once, the rest waits: meanwhile the transaction is open and can be seen.
    let linger_ms = LINGER.as_millis();
    deployment.properties = format!("linger.ms: {linger_ms}, batch.size: 16384");
    deployment.settings = "session_timeout: 20s\ntransaction_timeout: 8s\n".into();
    let mut audit = deployment.source(&clusters.source, "one");

    // Killed in an open transaction. When it is open is for the outcome to say.
    let mut hidden = 0;
    for _ in 0..5 {
        let killed = deployment.start(0);
        write_until_open(&clusters, &deployment, &mut audit, hidden);
        killed.kill();
        let before = read_committed(&clusters.destination, &deployment.events).len();
        hidden = uncommitted(&clusters, &deployment);
        println!("  killed with {hidden} events written, {before} committed");
        if hidden > 0 {
            break;
        }
    }
    assert!(hidden > 0, "never killed in an open transaction");

    let first = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    let hidden = uncommitted(&clusters, &deployment);
    assert!(hidden > 0, "what the killed one wrote was committed");

    // Another one joins while a transaction is open; it is ready once the group has agreed.
    let mut joined_meanwhile = false;
    for _ in 0..5 {
        write_until_open(&clusters, &deployment, &mut audit, hidden);
        let second = deployment.start(1);
        let ready = eventually(LIMIT, || {
            let is_ready = eventually(LINGER / 2, || second.ready().is_ok());
            if !is_ready {
                // However long it takes to join, a transaction is open meanwhile.
                audit.write(400);
                audit.flush();
            }
            is_ready
        });
        assert!(ready, "{:?}", second.ready());
        joined_meanwhile = uncommitted(&clusters, &deployment) > hidden;
        deployment.wait_for(&clusters, &audit, LIMIT);
        second.terminate();
        if joined_meanwhile {
            break;
        }
    }
    assert!(joined_meanwhile, "never joined during an open transaction");

    // SIGTERM in an open transaction: what was begun is committed.
    write_until_open(&clusters, &deployment, &mut audit, hidden);
    let (_, farewell) = first.terminate();
    println!("  SIGTERM in an open transaction took {farewell:?}");
    assert_eq!(uncommitted(&clusters, &deployment), hidden, "taken back");

    let last = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    last.terminate();
    audit.check_exactly_once(&clusters, &deployment);
}

#[test]
fn a_daemon_that_was_suspended_past_its_session_timeout_is_fenced() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "slept");
    let mut audit = deployment.source(&clusters.source, "one");
    let sleeper = deployment.start(0);
    sleeper.wait_until_ready();
    audit.write(4_000);
    audit.flush();
    let flowing = eventually(LIMIT, || sleeper.metric_sum("watchbell_events_total") > 0);
    assert!(flowing, "nothing flows");
    sleeper.signal("STOP");
    let successor = deployment.start(1);
    deployment.wait_for(&clusters, &audit, LIMIT);
    audit.write(1_000);
    sleeper.signal("CONT");
    audit.write(1_000);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    sleeper.terminate();
    successor.terminate();
    audit.check_exactly_once(&clusters, &deployment);
}

#[test]
fn while_a_cluster_is_down_the_daemon_is_not_ready_and_still_obeys_sigterm() {
    let mut clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "away");
    deployment.settings += "shutdown_budget: 8s\n";
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    audit.write(2_000);
    audit.flush();
    clusters.source.stop();
    wait_until_unreachable(&daemon);
    clusters.source.start_again();
    daemon.wait_until_ready();
    audit.write(2_000);
    audit.flush();
    clusters.destination.kill();
    wait_until_unreachable(&daemon);
    let (_, farewell) = daemon.terminate();
    let newcomer = deployment.start(0);
    wait_until_unreachable(&newcomer);
    let (_, other_farewell) = newcomer.terminate();
    println!("  SIGTERM without a destination took {farewell:?} and {other_farewell:?}");
    // The budget, plus a reserve for a busy machine.
    assert!(farewell.max(other_farewell) < Duration::from_secs(18));
    clusters.destination.start_again();
    let last = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    last.terminate();
    audit.check_exactly_once(&clusters, &deployment);
}

fn wait_until_unreachable(daemon: &Daemon) {
    let mut said = String::new();
    let noticed = eventually(LIMIT, || {
        said = daemon.ready().err().unwrap_or_default();
        said.contains("unreachable")
    });
    assert!(noticed, "ready although a cluster is gone: {said}");
}

const TOPIC_GROWN: &str = "\
title: Topic grown
id: 5d0f0d5e-5c0e-4a51-9b53-4a9d3b9f0a01
taxonomy: ocsf
status: stable
level: medium
logsource: {product: confluent, service: kafka}
detection:
  growth: {api.operation: kafka.CreatePartitions}
  filter_check: {metadata.event_code|endswith: /authorization}
  condition: growth and not filter_check
";

#[test]
fn two_sources_share_one_destination_while_rules_and_names_are_reloaded() {
    let clusters = clusters();
    let mut deployment = Deployment::without_topics(&clusters, "changed");
    let (rules, names) = (deployment.file("rules"), deployment.file("names.yaml"));
    fs::create_dir(&rules).expect("a directory");
    fs::write(&names, "sa-unknown: {name: nobody}\n").expect("names");
    deployment.settings += &format!(
        "create_topics: true\nrules: [pack:confluent, {}]\nnames: {}\n",
        rules.display(),
        names.display()
    );
    let mut one = deployment.source(&clusters.source, "one");
    let mut two = deployment.source(&clusters.destination, "two");
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    let (shipped, reloads) = (
        daemon.metric("watchbell_rules_loaded"),
        // Names are read after the rules.
        "watchbell_reloads_total{kind=\"names\",outcome=\"success\"}",
    );
    assert!(shipped >= 10, "{shipped} rules");
    one.write(500);
    two.write(500);
    // The rules' directory is watched; a broken set is refused and changes nothing.
    fs::write(rules.join("grown.yaml"), TOPIC_GROWN).expect("a rule");
    let loaded = eventually(LIMIT, || {
        one.write(1);
        two.write(1);
        daemon.metric("watchbell_rules_loaded") == shipped + 1
    });
    assert!(loaded, "a new rule is not noticed");
    fs::write(rules.join("broken.yaml"), "title: [\n").expect("a broken rule");
    let refusals = "watchbell_reloads_total{kind=\"rules\",outcome=\"failure\"}";
    let refused = eventually(LIMIT, || daemon.metric(refusals) > 0);
    assert!(refused, "a broken rule is not noticed");
    assert_eq!(daemon.metric("watchbell_rules_loaded"), shipped + 1);
    fs::remove_file(rules.join("broken.yaml")).expect("the broken rule");
    // Names by SIGHUP.
    fs::write(&names, "u-k2p8dd: {name: Ada Lovelace, team: streams}\n").expect("names");
    let before = daemon.metric(reloads);
    daemon.signal("HUP");
    assert!(
        eventually(LIMIT, || daemon.metric(reloads) > before),
        "no reload"
    );
    // Wait for what the watcher may still have to say about the files.
    one.flush();
    two.flush();
    deployment.wait_for(&clusters, &one, LIMIT);
    deployment.wait_for(&clusters, &two, LIMIT);

    let id = one.next_id(2);
    let grown = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"crn://confluent.cloud/","type":"io.confluent.kafka.server/request","time":"2026-03-14T09:26:53Z","data":{{"serviceName":"crn://confluent.cloud/","methodName":"kafka.CreatePartitions","authenticationInfo":{{"principal":{{"confluentUser":{{"resourceId":"u-k2p8dd"}}}}}},"result":{{"status":"SUCCESS"}}}}}}"#
    );
    let rule = "5d0f0d5e-5c0e-4a51-9b53-4a9d3b9f0a01";
    one.put(2, &Given::value(grown), Fate::Alert(rule));
    one.flush();
    deployment.wait_for(&clusters, &one, LIMIT);
    for audit in [&one, &two] {
        let records: i64 = audit.written().iter().sum();
        let metric = format!("watchbell_records_total{{source=\"{}\"}}", audit.source());
        let counted = eventually(LIMIT, || daemon.metric(&metric) == records as u64);
        assert!(counted, "{} of {records}", daemon.metric(&metric));
    }
    daemon.terminate();
    one.check_exactly_once(&clusters, &deployment);
    two.check_exactly_once(&clusters, &deployment);

    let events = read_committed(&clusters.destination, &deployment.events);
    let event = events
        .iter()
        .find(|event| event.header("ce_id").as_ref() == Some(&id))
        .expect("the event");
    let event: Value = serde_json::from_slice(event.value.as_deref().expect("a value")).unwrap();
    assert_eq!(event["actor"]["user"]["name"], "Ada Lovelace", "{event}");
}

#[test]
fn two_daemons_with_the_same_ordinal_report_it_and_repeat_nothing() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "twins");
    let mut audit = deployment.source(&clusters.source, "one");
    let twins = [deployment.start(0), deployment.start(0)];
    let said = eventually(LIMIT, || {
        audit.write(20);
        let fenced = |twin: &Daemon| twin.log().contains("another process has the same ordinal");
        twins.iter().any(fenced)
    });
    assert!(said, "nobody says what is wrong");
    audit.flush();
    let [one, two] = twins;
    two.terminate();
    deployment.wait_for(&clusters, &audit, LIMIT);
    one.terminate();
    audit.check_exactly_once(&clusters, &deployment);
}

#[test]
fn a_fault_in_the_configuration_ends_with_78_and_says_where() {
    let clusters = clusters();
    let mut deployment = Deployment::without_topics(&clusters, "fault");
    deployment.source(&clusters.source, "one");
    deployment.settings += "delivry: at_least_once\n";
    let (status, log) = deployment.start(0).wait();
    assert_eq!(status.code(), Some(78), "{log}");
    assert!(log.contains("did you mean `delivery`?"), "{log}");
    assert!(log.contains("watchbell.yaml:"), "{log}");
}
