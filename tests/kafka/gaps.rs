//! Records that expired before they were read, and lost positions: each is reported once, by an alert that is
//! committed together with the new position.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchbell::alert::{POSITIONS_LOST, RECORDS_EXPIRED};

use super::admin::{delete_group, expire};
use super::broker::clusters;
use super::daemon::{Daemon, Deployment, watchbell};
use super::records::{committed, read_committed};
use super::stub::{Stub, ok};
use super::{LIMIT, eventually};

#[test]
fn each_loss_is_one_alert_although_the_daemon_is_killed_around_it() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    let mut deployment = Deployment::new(&clusters, "loss");
    let mut audit = deployment.source(&clusters.source, "one");
    deployment.settings += &format!(
        "notify:\n  oncall: {{type: webhook, url: \"{}\", min_level: high}}\n",
        stub.url()
    );
    audit.write(400);
    audit.flush();
    let first = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    first.terminate();
    delete_group(&clusters.destination, &deployment.group);
    audit.write(400);
    audit.flush();
    expire(&clusters.source, &audit.topic, &[150, 150, 101, 150]);
    for partition in [0, 1, 3] {
        audit.expire(partition, 100..150);
    }
    audit.expire(2, 100..101);

    // Killed in the moment in which it finds out, that is before, in or after the transaction.
    let lost = "the group has lost its positions";
    kill_once_it_says(deployment.start(0), lost, || false);
    // Where the first one was killed late, it has told of the gaps already, and this one has nothing to find.
    let has_read_all = || {
        let (broker, group) = (&clusters.destination, &deployment.group);
        committed(broker, group, &audit.positions, 4) == audit.written()
    };
    let expired = "records expired before they were read";
    kill_once_it_says(deployment.start(0), expired, has_read_all);
    let last = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    audit.check_exactly_once(&clusters, &deployment);

    let raised = |rule: &str| {
        let alerts = read_committed(&clusters.destination, &deployment.alerts);
        let alerts = alerts.iter().map(|read| {
            let value = read.value.as_deref().expect("a value");
            (serde_json::from_slice(value).expect("JSON"), read.offset)
        });
        let of_rule = |alert: &(Value, i64)| alert.0["finding_info"]["analytic"]["uid"] == rule;
        alerts.filter(of_rule).collect::<Vec<_>>()
    };
    let lost = raised(POSITIONS_LOST.id);
    assert_eq!(lost.len(), 1, "{lost:?}");
    let evidence = &lost[0].0["evidences"][0]["data"];
    assert_eq!(evidence["group"], deployment.group);
    let expected = json!({"0": 100, "1": 100, "2": 100, "3": 100});
    assert_eq!(evidence["noted_positions"], expected);
    let gaps = raised(RECORDS_EXPIRED.id);
    let mut found: Vec<_> = gaps
        .iter()
        .map(|(alert, _)| &alert["evidences"][0]["data"])
        .map(|gap| ["partition", "from_offset", "to_offset"].map(|name| gap[name].as_i64()))
        .collect();
    found.sort();
    let expected = [[0, 100, 150], [1, 100, 150], [2, 100, 101], [3, 100, 150]];
    assert_eq!(found, expected.map(|gap| gap.map(Some)));

    // The alert can be read like any other.
    let told = eventually(LIMIT, || {
        let rule = |rule: &str| {
            let accepted = stub.accepted();
            let mut told = accepted
                .iter()
                .map(|told| told.json()["data"]["alert"].clone());
            told.any(|alert| alert["rule_id"] == rule)
        };
        rule(POSITIONS_LOST.id) && rule(RECORDS_EXPIRED.id)
    });
    assert!(told, "{}", last.log());
    let place = format!("{}/0@{}", deployment.alerts, gaps[0].1);
    let configuration = deployment.file("watchbell.yaml").display().to_string();
    let shown = watchbell(&["show", &place, "-c", &configuration]);
    let page = String::from_utf8_lossy(&shown.stdout);
    assert!(page.contains("expired before"), "{shown:?}");
    assert!(page.contains("\"from_offset\": 100"), "{page}");
    last.terminate();
}

/// Kills a daemon as soon as its log has these words, or when it is known that it will not say them, which is looked for
/// once a second.
fn kill_once_it_says(daemon: Daemon, words: &str, will_not: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    let mut looked = Instant::now();
    while !daemon.log().contains(words) {
        assert!(Instant::now() < deadline, "it does not say: {words}");
        if looked.elapsed() > Duration::from_secs(1) {
            if will_not() {
                break;
            }
            looked = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    daemon.kill();
}
