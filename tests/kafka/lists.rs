//! Records that hold several events: each becomes what it would be alone, exactly once through crashes and at its own
//! position, and what cannot be written of one changes nothing of its neighbours.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use watchbell::kafka::topics::WantedTopic;

use super::LIMIT;
use super::audit::{Audit, Fate, Given};
use super::bad_input::noise;
use super::broker::{Broker, clusters};
use super::daemon::{Deployment, watchbell};
use super::records::{Read, create, create_with, read_committed};

/// The largest record of the events' topic, in bytes.
const EVENTS: usize = 60_000;

const SHAPES: &str = include_str!("../data/actiontrail/shapes.ndjson");

/// Elements of each list.
const ELEMENTS: usize = 5;

/// The element of each list that is no event, and the one that is too large even without its raw parts in every
/// fourth list.
const BROKEN: usize = 2;
const LARGE: usize = 3;

/// The list of events number `number`: a response of LookupEvents or an array, by turns.
fn list(number: usize) -> Value {
    let event: Value = serde_json::from_str(SHAPES.lines().next().unwrap()).expect("a shape");
    let element = |element: usize| {
        let mut event = event.clone();
        event["eventId"] = id(number, element).into();
        match element {
            BROKEN => return json!({ "eventName": ["no text"], "eventType": id(number, element) }),
            LARGE if number.is_multiple_of(4) => {
                let name: String = noise(EVENTS)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                event["userIdentity"]["principalId"] = name.into();
            }
            _ => {}
        }
        event
    };
    let events: Vec<Value> = (0..ELEMENTS).map(element).collect();
    match number % 2 {
        0 => events.into(),
        _ => json!({ "RequestId": format!("page-{number}"), "Events": events }),
    }
}

fn id(number: usize, element: usize) -> String {
    format!("event-{number}-{element}")
}

/// The values of the events, by the element's id, in the order in which they stand in their partition.
fn events(broker: &Broker, topic: &str) -> Vec<(String, Value)> {
    let read = read_committed(broker, topic);
    let value = |read: &Read| -> Value {
        serde_json::from_slice(read.value.as_deref().expect("a value")).expect("JSON")
    };
    let values = read.iter().map(value);
    values
        .map(|value| {
            (
                value["metadata"]["uid"].as_str().expect("an id").to_owned(),
                value,
            )
        })
        .collect()
}

#[test]
fn each_event_of_a_list_is_written_exactly_once_and_found_at_its_own_position() {
    let clusters = clusters();
    let deployment = Deployment::without_topics(&clusters, "lists");
    let limited =
        WantedTopic::new(&deployment.events, 1).with("max.message.bytes", EVENTS.to_string());
    create_with(&clusters.destination, &limited);
    create(&clusters.destination, &deployment.alerts, 1);
    create(&clusters.destination, &deployment.dead_letters, 1);
    let mut deployment = deployment;
    let mut audit: Audit = deployment.source(&clusters.source, "one");
    const LISTS: usize = 400;
    for number in 0..LISTS {
        let value = list(number).to_string();
        audit.put(0, &Given::value(value), Fate::Event);
    }
    audit.flush();
    // The first daemons are killed in the middle of it.
    for _ in 0..2 {
        let daemon = deployment.start(0);
        daemon.wait_for_http();
        std::thread::sleep(Duration::from_millis(300));
        daemon.kill();
    }
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);

    let is_large = |number: usize, element| element == LARGE && number.is_multiple_of(4);
    let all = (0..LISTS).flat_map(|number| (0..ELEMENTS).map(move |element| (number, element)));
    let expected: Vec<String> = all
        .filter(|(number, element)| *element != BROKEN && !is_large(*number, *element))
        .map(|(number, element)| id(number, element))
        .collect();
    let found = events(&clusters.destination, &deployment.events);
    let ids: Vec<&String> = found.iter().map(|(id, _)| id).collect();
    assert_eq!(
        ids,
        expected.iter().collect::<Vec<_>>(),
        "once each, in order"
    );

    let mut letters: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for letter in read_committed(&clusters.destination, &deployment.dead_letters) {
        let number = |name| letter.header(name).expect(name).parse().expect("a number");
        let place = (
            number("watchbell-source-offset"),
            number("watchbell-source-element"),
        );
        let reason = letter.header("watchbell-reason").expect("a reason");
        if reason == "wrong_type" {
            let bytes = letter.value.as_deref().expect("the element's bytes");
            let element: Value = serde_json::from_slice(bytes).expect("JSON");
            assert_eq!(element["eventType"], id(place.0, place.1));
        }
        assert_eq!(letters.insert(place, reason), None, "{place:?} twice");
    }
    let broken = (0..LISTS).map(|number| ((number, BROKEN), "wrong_type".to_owned()));
    let large = (0..LISTS).step_by(4);
    let large = large.map(|number| ((number, LARGE), "too_large".to_owned()));
    assert_eq!(letters, broken.chain(large).collect());

    let config = deployment.file("watchbell.yaml");
    let show = |reference: String| {
        let shown = watchbell(&["show", "-c", config.to_str().unwrap(), &reference]);
        String::from_utf8(shown.stdout).expect("text")
    };
    let second = show(format!("{}/0@7#1", audit.topic));
    assert!(second.contains(&id(7, 1)), "{second}");
    let dead = show(format!("{}/0@7#{BROKEN}", audit.topic));
    assert!(dead.starts_with("Dead letter: wrong_type\n"), "{dead}");
    assert!(
        dead.contains(&format!("{}/0@7#{BROKEN}", audit.topic)),
        "{dead}"
    );
    daemon.terminate();
}
