//! Dead letters are retried on the page: by an admin alone, each once, and nothing is done once the reader has left.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;

use rdkafka::producer::Producer;
use serde_json::Value;

use super::broker::{Broker, clusters, turn};
use super::daemon::{Answer, Daemon, Deployment, form_body, form_token};
use super::dead_letters::{
    deletion, list, open_transaction, producer_of_transactions, with_rule, write_letters_of,
};
use super::flow::settle;
use super::records::{create, read_committed, unique};
use super::secured::secured;
use super::{LIMIT, eventually};

const ADMIN: &str = "X-Forwarded-User: vic\r\nX-Forwarded-Groups: admins\r\n";

const VIEWER: &str = "X-Forwarded-User: vic\r\nX-Forwarded-Groups: viewers\r\n";

/// A form with the token of vic, whatever their groups are.
fn form(page: &Daemon, fields: &[(&str, &str)]) -> String {
    let with_forms = page.ask_page_as(ADMIN, "/sources", None).body;
    let token = form_token(&with_forms).unwrap_or_else(|| panic!("no token: {with_forms}"));
    form_body(fields, Some(token))
}

/// Retries dead letters on the page.
fn retry(page: &Daemon, headers: &str, fields: &[(&str, &str)]) -> Answer {
    page.ask_page_as(headers, "/retry", Some(fields))
}

/// The numbers that an answer says: of those that were retried, that were retried before, and that stay.
fn counts(answer: &Answer) -> [&str; 3] {
    ["retried", "before", "left"].map(|name| {
        let begin = format!("data-count=\"{name}\">");
        let count = answer.body.split_once(&begin);
        let count = count.and_then(|(_, rest)| rest.split_once("<strong>"));
        let count = count.and_then(|(_, rest)| rest.split_once("</strong>"));
        count
            .unwrap_or_else(|| panic!("no {name}: {}", answer.body))
            .0
    })
}

/// How often each event of a topic is there, by its id; those about what people do are left out.
fn ids(broker: &Broker, topic: &str) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    settle(broker, topic);
    for read in read_committed(broker, topic) {
        if read.header("watchbell-origin").as_deref() != Some("page") {
            *ids.entry(read.header("ce_id").expect("an id")).or_default() += 1;
        }
    }
    ids
}

/// Status, role and resource of each event about a retry.
fn audited(broker: &Broker, topic: &str) -> Vec<[String; 3]> {
    let records = read_committed(broker, topic);
    let values = records.iter().filter_map(|read| {
        let value: Value = serde_json::from_slice(read.value.as_ref()?).expect("JSON");
        (value["api"]["operation"] == "RetryDeadLetters").then_some(value)
    });
    let said = values.map(|value| {
        let texts = [
            &value["status"],
            &value["metadata"]["labels"][1],
            &value["resources"][0]["uid"],
        ];
        texts.map(|text| text.as_str().expect("a text").to_owned())
    });
    let mut said: Vec<_> = said.collect();
    said.sort();
    said
}

#[test]
fn an_admin_retries_dead_letters_on_the_page_each_once_and_others_are_refused() {
    let clusters = clusters();
    let destination = &clusters.destination;
    let mut deployment = with_rule(Deployment::new(&clusters, "retriedpage"));
    deployment.source(&clusters.source, "idle");
    deployment.settings += "delivery: at_least_once\npage:\n  listen: \"127.0.0.1:0\"\n  \
         login: {header: {proxies: [127.0.0.1]}}\n  \
         roles: {viewer: [viewers], admin: [admins]}\ncreate_topics: true\n";
    deployment.arguments = vec!["--role".into(), "page".into()];
    let topic = deployment.dead_letters.clone();
    let readable = |number: usize| {
        let value = deletion(&format!("event-{number}"), "u-7k2m9p");
        (number, "unrecognized", value)
    };
    let broken = (3, "not_json", b"{".to_vec());
    let letters = (0..3).map(readable).chain([broken]);
    write_letters_of(destination, &topic, letters);
    let page = deployment.start(0);
    let mut seen = String::new();
    let all = eventually(LIMIT, || {
        seen = page.ask_page_as(ADMIN, "/sources", None).body;
        seen.matches("name=\"position\"").count() == 4
    });
    assert!(all, "{seen}");
    // A button for each reason, too.
    assert_eq!(seen.matches("name=\"reason\"").count(), 2, "{seen}");

    // Others have no buttons, and are refused.
    let seen = page.ask_page_as(VIEWER, "/sources", None).body;
    assert!(seen.contains("can be retried"), "{seen}");
    assert!(!seen.contains("action=\"/retry\""), "{seen}");
    let first = format!("{topic}/0@0");
    let body = form(&page, &[("position", &first)]);
    let refused = page.ask_page_with(VIEWER, "/retry", Some(&body));
    assert_eq!(refused.status, 403, "{}", refused.body);
    let words = "It needs the role admin. Your role is viewer.";
    assert!(refused.body.contains(words), "{}", refused.body);
    let failure = ["Failure", "role:viewer", &first].map(str::to_owned);
    let is_recorded = || audited(destination, &deployment.events) == [failure.clone()];
    assert!(eventually(LIMIT, is_recorded), "{}", page.log());

    // A retry that has to wait is the only one, and does nothing once its reader has left.
    let busy = producer_of_transactions(destination);
    open_transaction(&busy, &topic);
    let body = form(&page, &[("reason", "unrecognized")]);
    let waiting = page.send_to_page(ADMIN, "/retry", Some(&body));
    let is_begun = || audited(destination, &deployment.events).len() == 2;
    assert!(eventually(LIMIT, is_begun), "{}", page.log());
    let second = retry(&page, ADMIN, &[("position", &first)]);
    assert_eq!(second.status, 409, "{}", second.body);
    assert!(
        second.body.contains("One retry runs at a time."),
        "{}",
        second.body
    );
    // The page closes the connection once it has seen that its reader has left; the retry must not go on before.
    waiting.shutdown(Shutdown::Write).expect("it leaves");
    let mut answer = Vec::new();
    if let Err(error) = (&waiting).read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    busy.abort_transaction(LIMIT).expect("aborted");

    // One of them, and a second click.
    let mut answer = retry(&page, ADMIN, &[("position", &first)]);
    let taken = eventually(LIMIT, || {
        if answer.status == 409 {
            answer = retry(&page, ADMIN, &[("position", &first)]);
        }
        answer.status != 409
    });
    assert!(taken && answer.status == 200, "{answer:?}");
    assert_eq!(counts(&answer), ["1", "0", "0"], "{}", answer.body);
    let (events, alerts) = (&deployment.events, &deployment.alerts);
    let became = format!("1 → <code>{alerts}</code>, 1 → <code>{events}</code>");
    assert!(answer.body.contains(&became), "{}", answer.body);
    let once = |ids: &[&str]| BTreeMap::from_iter(ids.iter().map(|id| ((*id).to_owned(), 1)));
    assert_eq!(ids(destination, events), once(&["event-0"]));
    let again = retry(&page, ADMIN, &[("position", &first)]);
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(counts(&again), ["0", "1", "0"], "{}", again.body);
    assert!(again.body.contains("retried <time"), "{}", again.body);
    assert_eq!(ids(destination, events), once(&["event-0"]));

    // All with a reason: each once, and what was retried is not retried again.
    let answer = retry(&page, ADMIN, &[("reason", "unrecognized")]);
    assert_eq!(counts(&answer), ["2", "1", "0"], "{}", answer.body);
    let all = once(&["event-0", "event-1", "event-2"]);
    assert_eq!(ids(destination, events), all);
    assert_eq!(ids(destination, alerts).len(), 3);
    assert!(ids(destination, alerts).values().all(|count| *count == 1));
    let answer = retry(&page, ADMIN, &[("reason", "not_json")]);
    assert_eq!(counts(&answer), ["0", "0", "1"], "{}", answer.body);
    assert!(
        answer
            .body
            .contains("stays a dead letter: the value is not JSON"),
        "{}",
        answer.body
    );
    assert_eq!(ids(destination, events), all);
    let gone = retry(&page, ADMIN, &[("position", &format!("{topic}/0@999"))]);
    assert_eq!(gone.status, 404, "{}", gone.body);

    // The page, the command and the events topic know it.
    let shown = eventually(LIMIT, || {
        let seen = page.ask_page_as(ADMIN, "/sources", None).body;
        seen.matches("<span class=\"good\">retried</span>").count() == 3
            && seen.matches("name=\"position\"").count() == 1
    });
    assert!(shown, "{}", page.ask_page_as(ADMIN, "/sources", None).body);
    let retried = list(&deployment);
    let retried = retried.iter().filter(|letter| letter["retried"] == true);
    assert_eq!(retried.count(), 3);
    let recorded = audited(destination, events);
    let success = |what: &str| ["Success", "role:admin", what].map(str::to_owned);
    let of = |what: &str| {
        recorded
            .iter()
            .filter(|said| **said == success(what))
            .count()
    };
    assert_eq!(of(&first), 2, "{recorded:?}");
    assert_eq!(of("reason unrecognized"), 2, "{recorded:?}");
    assert_eq!(of("reason not_json"), 1, "{recorded:?}");
    assert_eq!(recorded.len(), 7, "{recorded:?}");
    page.terminate();
}

#[test]
fn the_page_names_the_right_on_the_transactional_id_that_a_retry_lacks() {
    let _turn = turn();
    let secured = secured();
    let name = unique("retryrights");
    let topic = |of: &str| format!("{name}.{of}");
    for of in ["events", "alerts", "dead"] {
        create(&secured.broker, &topic(of), 1);
    }
    let value = deletion("event-0", "u-7k2m9p");
    let letters = [(0, "unrecognized", value)].into_iter();
    write_letters_of(&secured.broker, &topic("dead"), letters);
    secured.rights(
        "--add",
        &format!(
            "--operation Read --operation Write --operation Describe --operation DescribeConfigs \
             --topic {name} --resource-pattern-type prefixed"
        ),
    );
    let configuration = format!(
        "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\n\
         destination: {{bootstrap: \"{}\", kafka: {{{}}}}}\n\
         topics: {{events: {}, alerts: {}, dead_letters: {}}}\ngroup: {name}\ndelivery: at_least_once\n\
         http: {{listen: \"127.0.0.1:0\"}}\npage: {{listen: \"127.0.0.1:0\"}}\n",
        secured.login(),
        secured.as_limited(),
        topic("events"),
        topic("alerts"),
        topic("dead"),
    );
    let path = secured.file(&format!("{name}.yaml"));
    std::fs::write(&path, configuration).expect("a configuration");
    let page = Daemon::start(&path, secured.file(&format!("{name}.log")), 0);
    let fields = [("position", &*format!("{}/0@0", topic("dead")))];
    let has_form = || {
        page.ask_page("/sources", None)
            .body
            .contains("name=\"position\"")
    };
    assert!(eventually(LIMIT, has_form), "{}", page.log());
    let answer = page.ask_page("/retry", Some(&fields));
    assert_eq!(answer.status, 503, "{}", answer.body);
    let needed = format!("Describe and Write on the transactional id <code>{name}/retry</code>");
    assert!(answer.body.contains(&needed), "{}", answer.body);
    assert!(ids(&secured.broker, &topic("events")).is_empty());

    secured.rights(
        "--add",
        &format!("--operation Describe --operation Write --transactional-id {name}/retry"),
    );
    let mut answer = page.ask_page("/retry", Some(&fields));
    // The broker knows a right some time after it was granted.
    let granted = eventually(LIMIT, || {
        if answer.status == 503 {
            answer = page.ask_page("/retry", Some(&fields));
        }
        answer.status == 200
    });
    assert!(granted, "{}", answer.body);
    assert_eq!(counts(&answer), ["1", "0", "0"], "{}", answer.body);
    let once = BTreeMap::from([("event-0".to_owned(), 1)]);
    assert_eq!(ids(&secured.broker, &topic("events")), once);
    page.terminate();
}
