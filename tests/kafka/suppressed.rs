//! A suppression in a running daemon: its alerts are written and not sent, and people are told of its end.

use std::fs;

use serde_json::{Value, json};
use watchbell::alert::SUPPRESSION_ENDS;

use super::broker::clusters;
use super::daemon::Deployment;
use super::records::{Source, read_committed};
use super::stub::{Stub, ok};
use super::{LIMIT, eventually};

const RULE: &str = "11111111-1111-4111-8111-111111111111";

/// A rule for every deletion of a topic, and a suppression of those of one account until a time.
fn rules(expires: jiff::Timestamp) -> String {
    format!(
        "title: Topic deleted\n\
         id: {RULE}\n\
         level: high\n\
         logsource: {{product: confluent}}\n\
         detection: {{deletion: {{api.operation: kafka.DeleteTopics}}, condition: deletion}}\n\
         group_by: [metadata.uid]\n\
         ---\n\
         title: Migration\n\
         id: 22222222-2222-4222-8222-222222222222\n\
         suppress:\n\
         \x20 rules: [{RULE}]\n\
         \x20 owner: platform team\n\
         \x20 reason: topics move\n\
         \x20 expires: {expires}\n\
         \x20 detection: {{account: {{actor.user.uid: sa-move01}}, condition: account}}\n"
    )
}

fn deletion(actor: &str) -> String {
    let event = json!({
        "specversion": "1.0", "id": format!("by-{actor}"), "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/request",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": "kafka.DeleteTopics",
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": actor}}},
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string()
}

#[test]
fn suppressed_alerts_are_written_and_not_sent_and_the_end_of_the_suppression_is_told() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    let mut deployment = Deployment::new(&clusters, "suppressed");
    let audit = deployment.source(&clusters.source, "one");
    let rules_file = deployment.file("rules.yaml");
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    fs::write(&rules_file, rules(tomorrow)).expect("rules");
    deployment.settings += &format!(
        "rules: [{}]\nnotify:\n  oncall: {{type: webhook, url: \"{}\"}}\n",
        rules_file.display(),
        stub.url()
    );
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    let mut source = Source::new(&clusters.source, &audit.topic, 4);
    for actor in ["sa-move01", "u-7k2m9p"] {
        source.write_value(0, deletion(actor).as_bytes());
    }
    source.flush();

    let alerts = || {
        let read = read_committed(&clusters.destination, &deployment.alerts);
        let parse = |value: &Vec<u8>| serde_json::from_slice::<Value>(value).expect("JSON");
        let values = read
            .iter()
            .filter_map(|read| read.value.as_ref().map(parse));
        values.collect::<Vec<Value>>()
    };
    assert!(eventually(LIMIT, || alerts().len() == 3), "{:?}", alerts());
    let alerts = alerts();
    let of = |actor: &str| {
        let id = format!("by-{actor}");
        let mut found = alerts.iter();
        found.find(|alert| alert["finding_info"]["related_events"][0]["uid"] == *id)
    };
    let suppressed = of("sa-move01").expect("the alert of the migration");
    assert_eq!(suppressed["status"], "Suppressed");
    assert_eq!(suppressed["unmapped"]["suppression"]["title"], "Migration");
    assert_eq!(of("u-7k2m9p").expect("the other alert")["status"], "New");
    let end = alerts
        .iter()
        .find(|alert| alert["finding_info"]["analytic"]["uid"] == SUPPRESSION_ENDS.id);
    let message = end.expect("the alert about the end")["message"].clone();
    let said = format!(
        "The suppression Migration of platform team ends at {}",
        ms(tomorrow)
    );
    assert_eq!(message, said);

    let sent = || {
        let requests = stub.accepted();
        let rules = requests.iter().map(|request| {
            let alert = &request.json()["data"]["alert"];
            alert["rule_id"].as_str().unwrap_or_default().to_owned()
        });
        let mut rules: Vec<String> = rules.collect();
        rules.sort();
        rules
    };
    let mut expected = [RULE, SUPPRESSION_ENDS.id].map(str::to_owned);
    expected.sort();
    assert!(eventually(LIMIT, || sent() == expected), "{:?}", sent());
    let skipped = "watchbell_notify_skipped_total{reason=\"suppressed\",sink=\"oncall\"}";
    assert!(eventually(LIMIT, || daemon.metric(skipped) == 1));
    let suppressed = || daemon.metric_sum("watchbell_alerts_suppressed_total");
    assert!(eventually(LIMIT, || suppressed() == 1), "{}", suppressed());

    // When it has ended, the next alert is sent, and people are told of the end once more.
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    fs::write(&rules_file, rules(past)).expect("rules");
    let told = eventually(LIMIT, || {
        sent().iter().filter(|id| **id != *RULE).count() == 2
    });
    assert!(told, "{:?}", sent());
    source.write_value(
        0,
        deletion("sa-move01").replace("by-", "again-by-").as_bytes(),
    );
    source.flush();
    let again = eventually(LIMIT, || {
        sent().iter().filter(|id| **id == *RULE).count() == 2
    });
    assert!(again, "{:?}", sent());
    daemon.terminate();
}

/// The time as it is written, to the millisecond.
fn ms(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.as_millisecond()).expect("a time")
}
