//! Policies in a running daemon: each topic and each sink shows what its policy leaves, and dead letters are sealed.

use std::fs;

use serde_json::json;
use watchbell::alert::DEAD_LETTER;

use super::broker::clusters;
use super::daemon::Deployment;
use super::records::{Read, Source, read_committed};
use super::stub::{Stub, ok};
use super::{LIMIT, eventually};

const PERSON: &str = "u-7k2m9p3x";

fn deletion(id: &str) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/request",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": "DeleteKafkaCluster",
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": PERSON}}},
            "request": {"data": {"requested_by": format!("https://example.com/users/{PERSON}")}},
            "result": {"status": "SUCCESS"},
        },
    });
    event.to_string().into_bytes()
}

/// Whether a record has the person anywhere in it.
fn shows(read: &Read) -> bool {
    let of_headers = read
        .headers
        .iter()
        .flat_map(|(name, value)| [Some(name.as_bytes()), value.as_deref()]);
    let parts = [read.key.as_deref(), read.value.as_deref()]
        .into_iter()
        .chain(of_headers);
    parts
        .flatten()
        .any(|part| String::from_utf8_lossy(part).contains(PERSON))
}

#[test]
fn each_topic_and_sink_shows_what_its_policy_leaves_and_dead_letters_are_sealed() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    let mut deployment = Deployment::new(&clusters, "privacy");
    let audit = deployment.source(&clusters.source, "one");
    let key = deployment.file("pseudonyms.key");
    fs::write(&key, "0123456789abcdef0123456789abcdef\n").expect("a key");
    deployment.settings += &format!(
        "notify:\n  chat: {{type: webhook, url: \"{}\", min_level: low}}\n\
         privacy:\n  key_file: {}\n  policies:\n\
         \x20 - {{name: people, fields: {{actor.user: pseudonym}}, topics: [{}]}}\n\
         \x20 - {{name: chat, fields: {{actor.user: mask}}, sinks: [chat]}}\n",
        stub.url(),
        key.display(),
        deployment.events,
    );
    let mut source = Source::new(&clusters.source, &audit.topic, 4);
    for partition in 0..4 {
        source.write_value(partition, &deletion(&format!("e-{partition}")));
        source.write_value(partition, format!("{{\"{PERSON}\": nothing").as_bytes());
    }
    source.flush();
    let daemon = deployment.start(0);
    daemon.wait_until_ready();

    let read = |topic: &str| read_committed(&clusters.destination, topic);
    let letters = || read(&deployment.dead_letters);
    assert!(
        eventually(LIMIT, || letters().len() == 4),
        "{:?}",
        letters()
    );
    assert!(eventually(LIMIT, || read(&deployment.events).len() == 4));
    // printf u-7k2m9p3x | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    let pseudonym = "p-f5314e05ea6363d49598ed2ba0396f6e";
    for event in read(&deployment.events) {
        assert!(!shows(&event), "{event:?}");
        assert_eq!(event.key.as_deref(), Some(pseudonym.as_bytes()));
        let value = String::from_utf8(event.value.expect("a value")).expect("JSON");
        assert!(
            value.contains(&format!("https://example.com/users/{pseudonym}")),
            "{value}"
        );
    }
    for letter in letters() {
        assert!(!shows(&letter), "{letter:?}");
        assert_eq!((&letter.key, &letter.value), (&None, &None));
        assert_eq!(letter.header("watchbell-sealed").as_deref(), Some("true"));
        let size = format!("{{\"{PERSON}\": nothing").len().to_string();
        assert_eq!(letter.header("watchbell-cut-size"), Some(size));
    }
    // The topic of alerts has no policy: on-call can find out who it was.
    let (of_letters, of_events): (Vec<Read>, Vec<Read>) = read(&deployment.alerts)
        .into_iter()
        .partition(|alert| alert.header("ce_subject").as_deref() == Some(DEAD_LETTER.id));
    assert_eq!(of_letters.len(), 4);
    assert!(!of_letters.iter().any(shows), "{of_letters:?}");
    assert!(
        !of_events.is_empty() && of_events.iter().all(shows),
        "{of_events:?}"
    );

    let told = || stub.accepted().len() >= 2;
    assert!(eventually(LIMIT, told), "{:?}", stub.accepted().len());
    for request in stub.accepted() {
        let body = String::from_utf8(request.body).expect("JSON");
        assert!(!body.contains(PERSON), "{body}");
        assert!(
            body.contains("***") || body.contains(DEAD_LETTER.id),
            "{body}"
        );
    }
    assert!(!daemon.log().contains(PERSON), "{}", daemon.log());
    daemon.kill();
}
