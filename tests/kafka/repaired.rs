//! Output topics and rights that are missing, or are removed while the daemon runs: it reports what to repair,
//! writes no dead letters, and continues soon after the repair; nothing is lost or repeated.

use std::thread;
use std::time::{Duration, Instant};

use watchbell::kafka::topics::ownership_topic;

use super::LIMIT;
use super::admin::{delete, re_create};
use super::audit::Audit;
use super::broker::{Broker, Clusters, clusters};
use super::daemon::{Daemon, Deployment};
use super::records::create;
use super::secured::secured;

/// After a repair records flow again within this. Attempts are at most five seconds apart, and the
/// first may come too early for the client to know of it: 15 s, and twice that for a busy machine.
const BOUND: Duration = Duration::from_secs(30);

/// Something that is missing, while records come in: it is said, and made good.
struct Outage<'o> {
    clusters: &'o Clusters,
    deployment: &'o Deployment,
    daemon: &'o Daemon,
}

impl Outage<'_> {
    /// Take `away`, write records, wait until `/readyz` says all of `words`, `repair`.
    fn withstand(
        &self,
        audit: &mut Audit,
        away: impl FnOnce(&mut Audit),
        words: &[&str],
        repair: impl FnOnce(),
    ) {
        away(audit);
        audit.write(200);
        audit.flush();
        let says = |status, body: &str| status == 503 && words.iter().all(|w| body.contains(w));
        let said = self.daemon.wait_for_page("/readyz", LIMIT, says);
        println!("  {}", said.trim());
        repair();
        let repaired = Instant::now();
        self.deployment.wait_for(self.clusters, audit, BOUND);
        println!("  goes on {:.1?} after the repair", repaired.elapsed());
        self.daemon.wait_until_ready();
    }
}

#[test]
fn an_output_topic_may_be_missing_and_be_deleted_and_is_used_once_it_is_there() {
    let clusters = clusters();
    let broker = &clusters.destination;
    let mut deployment = Deployment::without_topics(&clusters, "missing");
    let mut audit = deployment.source(&clusters.source, "one");
    audit.write(200);
    audit.flush();
    let topics = [
        (deployment.events.as_str(), 3),
        (&deployment.alerts, 1),
        (&deployment.dead_letters, 2),
    ];
    let daemon = deployment.start(0);
    for missing in 0..topics.len() {
        let says = |status, body: &str| {
            let expected = topics[missing..].iter().map(|(topic, _)| *topic);
            let expected: Vec<&str> = expected.collect();
            status == 503
                && body.contains("topic_missing")
                && body.contains(&format!("destination: {};", expected.join(", ")))
                && body.contains("watchbell topics create")
        };
        daemon.wait_for_page("/readyz", LIMIT, says);
        create(broker, topics[missing].0, topics[missing].1);
    }
    let repaired = Instant::now();
    deployment.wait_for(&clusters, &audit, BOUND);
    println!("  begins {:.1?} after the repair", repaired.elapsed());
    daemon.wait_until_ready();

    let outage = Outage {
        clusters: &clusters,
        deployment: &deployment,
        daemon: &daemon,
    };
    for (topic, partitions) in topics {
        audit.keep(broker, topic);
        outage.withstand(
            &mut audit,
            |_| delete(broker, topic),
            &["topic_missing", topic, "watchbell topics create"],
            || create(broker, topic, partitions),
        );
    }
    // Deleted and made again before anybody looks.
    audit.keep(broker, &deployment.events);
    re_create(broker, &deployment.events, 3);
    audit.write(200);
    audit.flush();
    deployment.wait_for(&clusters, &audit, BOUND);
    audit.check_exactly_once(&clusters, &deployment);
    daemon.terminate();
}

#[test]
fn rights_on_the_destination_that_are_taken_away_are_asked_for_and_used_once_they_are_back() {
    let plain = clusters();
    let secured = secured();
    let clusters = Clusters::of(
        Broker::existing(plain.source.bootstrap()),
        Broker::existing(secured.broker.bootstrap()),
    );
    let mut deployment = Deployment::new(&clusters, "rights-lost");
    deployment.destination = secured.login();
    deployment.properties = format!("linger.ms: 1, {}", secured.as_limited());
    let mut audit = deployment.source(&clusters.source, "one");
    let group = deployment.group.clone();
    let ownership = ownership_topic(&format!("{group}-one"));
    create(&clusters.destination, &ownership, 4);
    let Deployment {
        events,
        alerts,
        dead_letters,
        ..
    } = &deployment;
    let id = format!("{group}/{group}-one/0/0");
    let write = "--operation Describe --operation Write";
    let read = "--operation Describe --operation Read";
    let positions = "--topic watchbell.positions";
    secured.rights(
        "--add",
        &format!(
            "{write} --topic {events} --topic {alerts} --topic {dead_letters} {positions} \
             --transactional-id {id}"
        ),
    );
    secured.rights(
        "--add",
        &format!("{read} --operation Create --topic {ownership} {positions}"),
    );
    secured.rights("--add", &format!("--operation Read --group {group}"));
    audit.write(200);
    audit.flush();
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    deployment.wait_for(&clusters, &audit, LIMIT);

    let outage = Outage {
        clusters: &clusters,
        deployment: &deployment,
        daemon: &daemon,
    };
    for (right, words) in [
        (
            format!("--operation Write --topic {events}"),
            ["topic_unauthorized", events.as_str(), "grant"],
        ),
        (
            format!("{write} --topic {alerts}"),
            ["topic_unauthorized", alerts, "grant"],
        ),
        (
            format!("--operation Write --topic {dead_letters}"),
            ["topic_unauthorized", dead_letters, "grant"],
        ),
        (
            format!("--operation Read --group {group}"),
            ["group_unauthorized", &group, "grant Read"],
        ),
        (
            format!("{write} --transactional-id {id}"),
            ["transactional_id_unauthorized", &id, "grant"],
        ),
    ] {
        outage.withstand(
            &mut audit,
            |_| secured.rights("--remove", &right),
            &words,
            || secured.rights("--add", &right),
        );
    }

    // While nothing happens the group notices first: it puts the member out.
    let right = format!("--operation Read --group {group}");
    secured.rights("--remove", &right);
    let says = |status, body: &str| status == 503 && body.contains(&group);
    let said = daemon.wait_for_page("/readyz", LIMIT, says);
    println!("  {}", said.trim());
    stays_unready(&daemon, Duration::from_secs(8));
    outage.withstand(
        &mut audit,
        |_| (),
        &["group_unauthorized", &group],
        || secured.rights("--add", &right),
    );
    audit.check_exactly_once(&clusters, &deployment);
    daemon.terminate();
}

#[test]
fn the_right_to_read_the_source_may_go_and_come_back() {
    let plain = clusters();
    let secured = secured();
    let clusters = Clusters::of(
        Broker::existing(secured.broker.bootstrap()),
        Broker::existing(plain.destination.bootstrap()),
    );
    let mut deployment = Deployment::new(&clusters, "read-lost");
    let login = secured.login();
    let limited = secured.as_limited();
    let connection = format!("bootstrap: \"{login}\", lag_group: none, kafka: {{{limited}}}");
    let mut audit = deployment.source_by(&clusters.source, "one", &connection);
    let topic = audit.topic.clone();
    let right = format!("--operation Read --topic {topic}");
    secured.rights("--add", &format!("--operation Describe {right}"));
    audit.write(200);
    audit.flush();
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let outage = Outage {
        clusters: &clusters,
        deployment: &deployment,
        daemon: &daemon,
    };
    outage.withstand(
        &mut audit,
        // While records come in, so that the refusal stands among them.
        |audit| {
            thread::scope(|scope| {
                let removed = scope.spawn(|| secured.rights("--remove", &right));
                while !removed.is_finished() {
                    audit.write(10);
                    audit.flush();
                }
            });
        },
        &["topic_unauthorized", &topic, "grant Read"],
        || {
            // Whoever may describe the topic sees it: that is not yet reading.
            stays_unready(&daemon, Duration::from_secs(8));
            secured.rights("--add", &right);
        },
    );
    audit.check_exactly_once(&clusters, &deployment);
    daemon.terminate();
}

/// It does not call itself ready for this long.
fn stays_unready(daemon: &Daemon, span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        assert!(daemon.ready().is_err(), "ready, and reads nothing");
        thread::sleep(Duration::from_millis(100));
    }
}
