//! The requests to each sink for an alert: golden files in `tests/data/alerts/golden`. `WATCHBELL_BLESS=1`
//! writes them again and fails, so that somebody reviews them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use watchbell::alert::{RECORDS_EXPIRED, Source, SourceAlert, Stopped};
use watchbell::event::{NextOffset, Offset, OutputBuffer, OutputRecord, Partition, Position};
use watchbell::notice::{Notice, ResourceNotice, Who};
use watchbell::notify::commit_metadata::CommitMetadata;
use watchbell::notify::queue::{Arrival, Offered, Pacing, Queue};
use watchbell::notify::sinks::alertmanager::Alertmanager;
use watchbell::notify::sinks::email::Email;
use watchbell::notify::sinks::pagerduty::{PagerDuty, US as PAGERDUTY_US};
use watchbell::notify::sinks::slack::{API as SLACK_API, Slack};
use watchbell::notify::sinks::teams::Teams;
use watchbell::notify::sinks::webhook::Webhook;
use watchbell::notify::{Encryption, Endpoint, Message, Request, Route, Secret, Template};
use watchbell::pipeline::Reading;
use watchbell::printable::is_unseen;
use watchbell::printable::shorten;
use watchbell::sigma::Level;

use crate::pipeline::{NOW_MS, pipeline_with};

const NAMES: &str = include_str!("../data/confluent/golden/names.yaml");
const SEVERAL: &str = include_str!("../data/alerts/several.json");
const DELETED: &str = include_str!("../data/confluent/golden/more-04-named-statement-deleted.json");

/// Names that try to break out of a message.
const HOSTILE: &str = "<!channel> & <https://evil.example|click> *b* [x](https://evil.example) \
                       <at>all</at> @here `c`\r\nX-Injected: 1\n\u{202e}level=info \u{1b}[31m\
                       adm\u{ad}in\u{e0041}\u{3164}";

fn position() -> Position<'static> {
    Position {
        topic: "watchbell.alerts",
        partition: Partition(0),
        offset: Offset(7),
        element: None,
    }
}

/// The alert that the pipeline makes of the documented event, after `change`.
fn alert(change: impl Fn(&mut Value)) -> Vec<u8> {
    let case: Value = serde_json::from_str(DELETED).expect("a case");
    let mut event = case["record"]["value"].clone();
    change(&mut event);
    let pipeline = pipeline_with(NAMES, 50_000_000);
    let mut outputs = OutputBuffer::default();
    let value = event.to_string();
    let record = watchbell::event::RawRecord {
        position: position(),
        timestamp_ms: Some(NOW_MS),
        key: None,
        value: Some(value.as_bytes()),
        headers: Vec::new(),
    };
    pipeline.begin().process(&record, NOW_MS, &mut outputs);
    let alert = outputs.iter().nth(1).expect("an alert");
    alert.value.expect("a value").to_vec()
}

/// What watchbell writes of records that expired before it had read them.
pub fn expired() -> OutputRecord {
    let source = Source {
        name: "confluent",
        topic: "confluent-audit-log-events",
    };
    let offsets = (NextOffset(5), NextOffset(12_350));
    let alert = SourceAlert::expired(source, Partition(3), offsets, Some(12_345));
    let raised = pipeline_with("", 50_000_000)
        .begin()
        .source_alert(&alert, NOW_MS);
    raised.expect("its rule is in force").record
}

/// What watchbell writes of positions that its group had lost.
pub fn positions_lost() -> OutputRecord {
    let source = Source {
        name: "confluent",
        topic: "confluent-audit-log-events",
    };
    let noted = BTreeMap::from([(Partition(0), NextOffset(5)), (Partition(1), NextOffset(9))]);
    let alert = SourceAlert::positions_lost(source, "watchbell", &noted);
    let raised = pipeline_with("", 50_000_000)
        .begin()
        .source_alert(&alert, NOW_MS);
    raised.expect("its rule is in force").record
}

/// What watchbell writes of a source and of a sink that have stopped.
pub fn stopped() -> [OutputRecord; 2] {
    let source = Source {
        name: "confluent",
        topic: "confluent-audit-log-events",
    };
    let stopped = Stopped {
        reason: "past_end",
        why: "the position 100 of partition 3 lies past its end 0: read it from its start",
        identity: "3@100",
    };
    let pipeline = pipeline_with("", 50_000_000);
    [
        SourceAlert::source_stopped(source, stopped),
        SourceAlert::sink_stopped("oncall", "watchbell.alerts", stopped),
    ]
    .map(|alert| {
        let raised = pipeline.begin().source_alert(&alert, NOW_MS);
        raised.expect("its rule is in force").record
    })
}

fn hostile(event: &mut Value) {
    let data = &mut event["data"];
    data["authenticationInfo"]["principal"] = json!({
        "confluentUser": {"resourceId": HOSTILE},
    });
    data["authenticationInfo"]["identity"] = HOSTILE.into();
    data["cloudResources"][0]["resource"]["resourceId"] = HOSTILE.into();
    data["request"]["data"]["password"] = "S3CRET".into();
}

fn notice(alert: &[u8]) -> Notice {
    let mut notice = Notice::read(alert, position()).expect("an alert of ours");
    // What changes with every edit of a rule.
    notice.rule_version = "(version)".into();
    notice.rule_set = "(rule set)".into();
    notice
}

/// The message of the first alert of several, or of the digest of the rest.
fn message(notice: Notice, digest: bool) -> Message {
    message_by(notice, digest, None)
}

fn message_by(notice: Notice, digest: bool, template: Option<&Template>) -> Message {
    let pacing = Pacing {
        digest_interval_ms: 0,
        max_waiting: Some(20),
        max_age_ms: 3_600_000,
    };
    let mut queue = Queue::resume(pacing, NextOffset(0), CommitMetadata::default());
    let offered = Offered {
        group_key: notice.group_key.clone(),
        level: notice.level,
        rule: notice.rule.clone(),
        arrival: Arrival::InTime,
        alert: Arc::new(notice),
    };
    queue.offer(0, NOW_MS, Some(offered.clone()));
    let mut next = queue.next(NOW_MS).expect("the first");
    if digest {
        queue.accepted(NOW_MS, &next);
        for offset in 1..=299 {
            queue.offer(offset, NOW_MS + offset * 1_000, Some(offered.clone()));
        }
        next = queue.next(NOW_MS + 400_000).expect("a digest");
    }
    Message::new("oncall", &next, u64::from(digest) * 2, template)
}

fn endpoints() -> [(&'static str, Arc<dyn Endpoint>); 7] {
    let secret = || Secret::new("SECRET");
    [
        (
            "alertmanager",
            Arc::new(Alertmanager {
                urls: vec!["http://am-0:9093".into(), "http://am-1:9093/".into()],
                token: None,
                hold_ms: 600_000,
            }),
        ),
        (
            "pagerduty",
            Arc::new(PagerDuty {
                url: PAGERDUTY_US.into(),
                routing_key: secret(),
            }),
        ),
        (
            "slack-webhook",
            Arc::new(Slack::Webhook {
                url: Secret::new("https://hooks.slack.example/SECRET"),
            }),
        ),
        (
            "slack-bot",
            Arc::new(Slack::Bot {
                url: SLACK_API.into(),
                token: secret(),
                channel: "#oncall".into(),
            }),
        ),
        (
            "teams",
            Arc::new(Teams {
                url: Secret::new("https://teams.example/SECRET"),
            }),
        ),
        (
            "email",
            Arc::new(Email {
                server: "mail.example".into(),
                port: 587,
                encryption: Encryption::StartTls,
                login: Some(("watch".into(), secret())),
                from: "watchbell@example.com".parse().expect("an address"),
                to: vec!["Jane Doe <jane@example.com>".parse().expect("an address")],
            }),
        ),
        (
            "webhook",
            Arc::new(Webhook {
                url: "https://soar.example/alerts".into(),
                secret: Some(secret()),
                token: None,
            }),
        ),
    ]
}

/// JSON, or the lines of a mail.
fn body(request: &Request) -> Value {
    if request.url.starts_with("smtp:") {
        let text = std::str::from_utf8(&request.body).expect("UTF-8");
        return text.split("\r\n").collect();
    }
    serde_json::from_slice(&request.body).expect("JSON")
}

fn shown(requests: &[Request]) -> String {
    let requests: Vec<Value> = requests
        .iter()
        .map(|request| {
            let body = body(request);
            let headers: Vec<String> = request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            json!({"url": request.url, "headers": headers, "body": body})
        })
        .collect();
    serde_json::to_string_pretty(&requests).expect("JSON") + "\n"
}

fn golden(case: &str, sink: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alerts/golden");
    folder.join(format!("{case}.{sink}.json"))
}

#[test]
fn the_requests_to_every_sink_are_those_of_the_golden_files() {
    let bless = std::env::var_os("WATCHBELL_BLESS").is_some();
    let single = notice(&alert(|_| {}));
    let cases = [
        ("deleted", message(single.clone(), false)),
        ("digest", message(single, true)),
        ("several", message(notice(SEVERAL.as_bytes()), false)),
        ("hostile", message(notice(&alert(hostile)), false)),
        (
            "expired",
            message(notice(&expired().value.expect("an alert")), false),
        ),
    ];
    let mut different = Vec::new();
    for (case, message) in &cases {
        for (sink, endpoint) in endpoints() {
            let path = golden(case, sink);
            let sent = shown(&endpoint.requests(message, NOW_MS + 1_000));
            let sent = sent.replace(
                &format!("watchbell/{}", env!("CARGO_PKG_VERSION")),
                "watchbell/(version)",
            );
            if bless {
                fs::write(&path, &sent).expect("write a golden file");
            }
            if fs::read_to_string(&path).ok().as_deref() != Some(sent.as_str()) {
                different.push(format!("{}:\n{sent}", path.display()));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(!bless, "golden files written: read them");
}

#[test]
fn the_title_says_who_did_what_to_what_and_where() {
    let title = |change: &dyn Fn(&mut Value)| notice(&alert(change)).title();
    assert_eq!(
        title(&|_| {}),
        "[HIGH] Jane Doe deleted Flink statement Order enrichment in production"
    );
    let mut notice = Notice::example(0);
    assert_eq!(
        notice.title(),
        "[TEST] [HIGH] Jane Doe deleted Flink statement orders-agg in prod"
    );
    notice.outcome = "Failure".into();
    notice.resource_count = 3;
    let failed = "Jane Doe failed to delete Flink statement orders-agg and 2 more in prod";
    assert_eq!(notice.headline(), failed);
    notice.activity = None;
    notice.outcome = "Success".into();
    let called = "Jane Doe called DeleteStatement on Flink statement orders-agg and 2 more in prod";
    assert_eq!(notice.headline(), called);
}

#[test]
fn a_title_is_a_sentence_whatever_is_missing() {
    let headline = |activity: &str, outcome: &str, change: &dyn Fn(&mut Notice)| {
        let mut notice = Notice::example(0);
        notice.activity = Some(activity.into());
        notice.outcome = outcome.into();
        change(&mut notice);
        notice.headline()
    };
    let without_resource = |notice: &mut Notice| {
        notice.resources.clear();
        notice.resource_count = 0;
    };
    let cases = [
        ("Delete", "Success", "Jane Doe called DeleteStatement"),
        (
            "Delete",
            "Failure",
            "Jane Doe failed to call DeleteStatement",
        ),
        ("Other", "Unknown", "Jane Doe called DeleteStatement"),
        ("Logon", "Success", "Jane Doe signed in"),
        ("Logon", "Failure", "Jane Doe failed to sign in"),
        ("Logon", "Unknown", "Jane Doe asked to sign in"),
    ];
    for (activity, outcome, expected) in cases {
        assert_eq!(headline(activity, outcome, &without_resource), expected);
        // Nothing is known of it.
        let blank = |notice: &mut Notice| {
            notice.resources = vec![ResourceNotice::default()];
        };
        assert_eq!(headline(activity, outcome, &blank), expected);
    }
    let check = |notice: &mut Notice| notice.operation = "ip-filter.Authorize".into();
    let resource = "Flink statement orders-agg in prod";
    for (outcome, said) in [
        ("Success", "was allowed by"),
        ("Failure", "was denied by"),
        ("Unknown", "called"),
    ] {
        let expected = format!("Jane Doe {said} ip-filter.Authorize on {resource}");
        assert_eq!(headline("Other", outcome, &check), expected);
    }
    let nobody = |notice: &mut Notice| {
        notice.who = Who {
            name: Some("unknown".into()),
            ..Who::default()
        };
    };
    let expected = format!("somebody unknown deleted {resource}");
    assert_eq!(headline("Delete", "Success", &nobody), expected);
    let nothing = |notice: &mut Notice| {
        without_resource(notice);
        notice.operation.clear();
    };
    let expected = format!("Jane Doe: {}", Notice::example(0).rule);
    assert_eq!(headline("Other", "Success", &nothing), expected);
}

#[test]
fn an_alert_without_an_event_is_valid_says_what_was_lost_and_is_sent_at_once() {
    let value = expired().value.expect("an alert");
    crate::ocsf::validate(&serde_json::from_slice(&value).expect("JSON"));
    let notice = notice(&value);
    assert_eq!(
        notice.title(),
        "[HIGH] 12,345 audit records of confluent/partition 3 expired before they were read"
    );
    let lost = positions_lost().value.expect("an alert");
    crate::ocsf::validate(&serde_json::from_slice(&lost).expect("JSON"));
    assert_eq!(notice.rule_id, RECORDS_EXPIRED.id);
    // Whoever tells of new alerts only, and of none that a replay made, tells of this one.
    let route = Route {
        min_level: Level::High,
        detection: None,
        max_alert_age_ms: 0,
        replayed: false,
    };
    assert_eq!(route.decide(&notice), Ok(()));
}

#[test]
fn the_message_about_a_stop_says_what_was_found_and_how_to_continue() {
    let titles = [
        "[CRITICAL] Source confluent has stopped: past_end",
        "[CRITICAL] Sink oncall has stopped: past_end",
    ];
    for (record, title) in stopped().iter().zip(titles) {
        let value = record.value.as_deref().expect("an alert");
        crate::ocsf::validate(&serde_json::from_slice(value).expect("JSON"));
        let notice = notice(value);
        assert_eq!(notice.title(), title);
        let message = message(notice, false);
        for words in ["lies past its end 0: read it from its start", "every 30 s"] {
            assert!(message.text.contains(words), "{words} in {}", message.text);
        }
    }
}

#[test]
fn the_alert_of_several_events_is_valid_ocsf() {
    crate::ocsf::validate(&serde_json::from_str(SEVERAL).expect("JSON"));
}

#[test]
fn hostile_values_are_never_markup() {
    let message = message(notice(&alert(hostile)), false);
    assert!(!message.text.contains("S3CRET"));
    assert!(!message.title.chars().any(is_unseen), "{:?}", message.title);
    for line in message.text.lines() {
        assert!(!line.starts_with("X-Injected"), "{line}");
    }
    assert!(
        message.text.contains("adm\\u00adin\\udb40\\udc41\\u3164"),
        "{}",
        message.text
    );
    for (sink, endpoint) in endpoints() {
        for request in endpoint.requests(&message, NOW_MS) {
            for (_, value) in &request.headers {
                assert!(!value.contains(['\r', '\n']), "{sink}: {value:?}");
            }
            let body = body(&request);
            parsed_as_markup(&body, &mut |text| {
                for tag in ["<!", "<https"] {
                    assert!(!text.contains(tag), "{sink}: {text}");
                }
            });
        }
    }
}

/// Visits the texts that Slack or Teams read as markup: Slack's top-level text and `mrkdwn`, and
/// the `TextBlock`s and `FactSet`s of an Adaptive Card.
fn parsed_as_markup(body: &Value, visit: &mut dyn FnMut(&str)) {
    if let (Some(text), Some(_)) = (body["text"].as_str(), body.get("blocks")) {
        visit(text);
    }
    fn walk(value: &Value, visit: &mut dyn FnMut(&str)) {
        if matches!(
            value["type"].as_str(),
            Some("mrkdwn" | "TextBlock" | "FactSet")
        ) {
            visit(&value.to_string());
        }
        match value {
            Value::Array(elements) => elements.iter().for_each(|e| walk(e, visit)),
            Value::Object(members) => members.values().for_each(|m| walk(m, visit)),
            _ => {}
        }
    }
    walk(body, visit);
}

#[test]
fn the_longest_alert_stays_within_every_sinks_limits() {
    let long = "x".repeat(50_000);
    let message = message(
        notice(&alert(|event| {
            hostile(event);
            event["data"]["methodName"] = "DeleteStatement".into();
            let resource = event["data"]["cloudResources"][0].clone();
            let many: Vec<Value> = (0..60)
                .map(|n| {
                    let mut resource = resource.clone();
                    resource["resource"]["resourceId"] = format!("{n}{long}").into();
                    resource
                })
                .collect();
            event["data"]["cloudResources"] = many.into();
        })),
        false,
    );
    assert!(message.text.len() < 20_000, "{}", message.text.len());
    for (sink, endpoint) in endpoints() {
        for request in endpoint.requests(&message, NOW_MS) {
            let body = body(&request);
            if let Err(why) = within_limits(sink, &body, request.body.len()) {
                panic!("{sink}: {why}");
            }
        }
    }
}

/// A text of one or two things, often longer than any limit.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z]{1,8}",
        Just("\"".into()),
        Just("\\".into()),
        Just("😀".into()),
        Just("世".into()),
        Just("\u{1b}\r\n".into()),
        Just("https://evil.example/ ".into()),
        Just(HOSTILE.to_owned()),
    ];
    let length = prop_oneof![0..20_usize, 290..310_usize];
    let text = (piece.clone(), piece, length)
        .prop_map(|(one, other, times)| one.repeat(times / one.len()) + &other);
    prop::collection::vec(text, 1..8)
}

/// Puts other texts, numbers and longer lists into an alert, but for what makes it one.
fn scramble(value: &mut Value, texts: &[String], number: i64, at: &mut usize) {
    *at += 1;
    match value {
        Value::String(text) => text.clone_from(&texts[*at % texts.len()]),
        Value::Number(_) if at.is_multiple_of(3) => *value = number.into(),
        Value::Array(elements) => {
            if let Some(last) = elements.last().cloned() {
                elements.resize(elements.len().max(*at % 24), last);
            }
            for element in elements {
                scramble(element, texts, number, at);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if !["class_uid", "severity_id"].contains(&name.as_str()) {
                    scramble(member, texts, number, at);
                }
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_an_alert_holds_every_sink_can_take_it(
        texts in texts(),
        number in prop_oneof![any::<i64>(), Just(0), Just(253_402_300_800_000)],
        start in 0_usize..40,
        digest: bool,
        templated: bool,
    ) {
        let alert = self::alert(|_| {});
        let mut alert: Value = serde_json::from_slice(&alert).expect("JSON");
        scramble(&mut alert, &texts, number, &mut { start });
        // What is no alert any more is told as one that cannot be read.
        let notice = Notice::read(alert.to_string().as_bytes(), position())
            .unwrap_or_else(|error| Notice::unreadable(position(), NOW_MS, &error));
        let text = "{{ text }}{{ record }}{% for r in notice.resources %}{{ r.name }}{% endfor %}";
        let template = Template::new(Some("{{ title }} *".into()), Some(text.into()));
        let template = template.expect("a template");
        let message = message_by(notice, digest, templated.then_some(&template));
        prop_assert!(!message.title.contains(is_unseen));
        for (sink, endpoint) in endpoints() {
            for request in endpoint.requests(&message, NOW_MS) {
                let body = body(&request);
                let fits = within_limits(sink, &body, request.body.len());
                prop_assert!(fits.is_ok(), "{}: {:?}", sink, fits);
                for (name, value) in &request.headers {
                    prop_assert!(!value.contains(char::is_control), "{}: {}", sink, name);
                }
                let sent = String::from_utf8_lossy(&request.body);
                let unseen = sent.chars().find(|c| is_unseen(*c) && !"\r\n".contains(*c));
                prop_assert_eq!(unseen, None, "{}", sink);
            }
        }
    }
}

#[test]
fn a_text_is_cut_beyond_its_limit_and_not_before() {
    for (text, short) in [
        ("x".repeat(150), "x".repeat(150)),
        ("x".repeat(151), "x".repeat(149) + "…"),
        // A character beyond the first plane counts twice.
        ("😀".repeat(75), "😀".repeat(75)),
        ("😀".repeat(75) + "x", "😀".repeat(74) + "…"),
        (String::new(), String::new()),
    ] {
        assert_eq!(shorten(&text, 150), short);
    }
    let mut notice = Notice::example(0);
    notice.test = false;
    notice.resources[0].name = Some("n".repeat(2_000));
    notice.group_key = "k".repeat(256);
    let message = message(notice, false);
    for (sink, endpoint) in endpoints() {
        let request = endpoint.requests(&message, NOW_MS).remove(0);
        let body = body(&request);
        let length = |value: &Value| value.as_str().expect("a text").chars().count();
        match sink {
            "pagerduty" => {
                assert_eq!(length(&body["dedup_key"]), 245);
                assert!(
                    body["dedup_key"]
                        .as_str()
                        .expect("a key")
                        .ends_with("…-high")
                );
            }
            "slack-bot" => assert_eq!(length(&body["blocks"][0]["text"]["text"]), 150),
            _ => {}
        }
    }
}

/// The vendors' limits.
fn within_limits(sink: &str, body: &Value, bytes: usize) -> Result<(), String> {
    // No vendor counts more than UTF-16 does.
    let chars = |value: &Value| value.as_str().map_or(0, |text| text.encode_utf16().count());
    let check = |holds: bool, what: &str| holds.then_some(()).ok_or_else(|| what.to_owned());
    match sink {
        "pagerduty" => {
            check(
                (1..=1_024).contains(&chars(&body["payload"]["summary"])),
                "summary",
            )?;
            check(chars(&body["payload"]["source"]) > 0, "source")?;
            is_time(&body["payload"]["timestamp"])?;
            check((1..=255).contains(&chars(&body["dedup_key"])), "dedup_key")?;
            check(bytes <= 512 * 1024, "size")
        }
        "slack-webhook" | "slack-bot" => {
            let blocks = body["blocks"].as_array().expect("blocks");
            check(blocks.len() <= 50, "blocks")?;
            let all = body["blocks"].to_string().encode_utf16().count();
            check(all <= 13_000, "all blocks")?;
            check(chars(&blocks[0]["text"]["text"]) <= 150, "header")?;
            for block in &blocks[1..] {
                let elements = block["elements"][0]["elements"].as_array().expect("text");
                check(!elements.is_empty(), "an empty block")?;
                check(elements.iter().all(|e| e["text"] != ""), "an empty text")?;
                let length = |e: &Value| chars(&e["text"]) + chars(&e["url"]);
                let length: usize = elements.iter().map(length).sum();
                check(length <= 3_000, "section")?;
            }
            Ok(())
        }
        "teams" => check(bytes <= 28 * 1024, "size"),
        "alertmanager" => {
            is_time(&body[0]["startsAt"])?;
            is_time(&body[0]["endsAt"])?;
            let labels = body[0]["labels"].as_object().expect("labels");
            check(
                labels.values().all(|label| chars(label) > 0),
                "an empty label",
            )
        }
        "webhook" => {
            check(
                chars(&body["id"]) > 0 && chars(&body["source"]) > 0,
                "a CloudEvent",
            )?;
            is_time(&body["time"])
        }
        "email" => {
            // RFC 5322, section 2.1.1, and no more headers than ours.
            let lines: Vec<&str> = body
                .as_array()
                .expect("lines")
                .iter()
                .flat_map(Value::as_str)
                .collect();
            check(lines.iter().all(|line| line.len() <= 998), "a line")?;
            let ours = lines.iter().all(|line| !line.contains(['\r', '\n']));
            check(ours, "a line break of its own")?;
            let mut names: Vec<&str> = lines
                .iter()
                .take_while(|line| !line.is_empty())
                .filter(|line| !line.starts_with(' '))
                .map(|line| line.split(": ").next().unwrap_or_default())
                .collect();
            names.sort_unstable();
            let expected = [
                "Auto-Submitted",
                "Content-Transfer-Encoding",
                "Content-Type",
                "Date",
                "From",
                "In-Reply-To",
                "MIME-Version",
                "Message-ID",
                "References",
                "Subject",
                "To",
            ];
            check(names == expected, &format!("headers {names:?}"))
        }
        other => Err(format!("no limits of {other} are known")),
    }
}

/// RFC 3339, with a year of four digits.
fn is_time(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    match (
        text.parse::<jiff::Timestamp>(),
        text.starts_with(['1', '2', '3', '9']),
    ) {
        (Ok(_), true) => Ok(()),
        _ => Err(format!("{value} is no time")),
    }
}

fn dedup_key(message: &Message) -> String {
    let endpoints = endpoints();
    let (_, pagerduty) = endpoints
        .iter()
        .find(|(name, _)| *name == "pagerduty")
        .expect("it");
    let request = pagerduty.requests(message, NOW_MS).remove(0);
    body(&request)["dedup_key"]
        .as_str()
        .expect("a key")
        .to_owned()
}

fn offered(group: &str, level: Level) -> Offered<Arc<Notice>> {
    let mut notice = Notice::example(NOW_MS);
    notice.test = false;
    notice.level = level;
    notice.group_key = group.into();
    notice.uid = format!("{group}-{level}");
    Offered {
        group_key: group.into(),
        level,
        rule: notice.rule.clone(),
        arrival: Arrival::InTime,
        alert: Arc::new(notice),
    }
}

#[test]
fn a_more_severe_alert_of_a_group_opens_another_incident() {
    let pacing = Pacing {
        digest_interval_ms: 1_000,
        max_waiting: None,
        max_age_ms: 3_600_000,
    };
    let mut queue = Queue::resume(pacing, NextOffset(0), CommitMetadata::default());
    let mut told = |offset, now_ms, level| {
        queue.offer(offset, now_ms, Some(offered("g", level)));
        let next = queue.next(now_ms)?;
        queue.accepted(now_ms, &next);
        Some(Message::new("oncall", &next, 0, None))
    };
    let medium = told(0, 0, Level::Medium).expect("the first");
    let critical = told(1, 10, Level::Critical).expect("it is worse");
    let keys = [&medium, &critical].map(dedup_key);
    assert_eq!(
        keys,
        ["g-medium", "g-critical"],
        "a critical alert wakes people"
    );
    assert!(told(2, 20, Level::Low).is_none(), "a repeat is gathered");
    let digest = told(3, 2_000, Level::Medium).expect("a digest");
    assert_eq!((digest.kind, digest.level), ("digest", Level::Medium));
    assert_eq!(
        dedup_key(&digest),
        "g-critical",
        "it belongs to the incident that is open"
    );
    assert_eq!(digest.group_key, medium.group_key);
}

#[test]
fn a_digest_over_many_groups_does_not_join_an_incident_of_another_level_or_time() {
    let pacing = Pacing {
        digest_interval_ms: 1_000,
        max_waiting: Some(0),
        max_age_ms: 3_600_000,
    };
    let overflow = |level, at_ms| {
        let mut queue = Queue::resume(pacing, NextOffset(0), CommitMetadata::default());
        for offset in 0..3 {
            queue.offer(
                offset,
                at_ms + offset,
                Some(offered(&offset.to_string(), level)),
            );
        }
        let next = queue.next(at_ms + 10).expect("a digest");
        let message = Message::new("oncall", &next, 0, None);
        assert_eq!(message.kind, "overflow");
        assert!(queue.failed(at_ms + 10, next).is_none());
        let again = queue.next(at_ms + 60_000).expect("the digest again");
        let again = Message::new("oncall", &again, 0, None);
        assert_eq!(
            dedup_key(&again),
            dedup_key(&message),
            "a repeat is no other incident"
        );
        dedup_key(&message)
    };
    let hour = NOW_MS - NOW_MS.rem_euclid(3_600_000);
    let medium = overflow(Level::Medium, hour);
    assert_eq!(medium, format!("watchbell-overflow-oncall-medium-{hour}"));
    assert_ne!(overflow(Level::Critical, hour), medium);
    assert_ne!(overflow(Level::Medium, hour + 600_000), medium);
    assert_eq!(
        overflow(Level::Medium, hour + 60_000),
        medium,
        "no page for each of a flood"
    );
}

#[test]
fn the_id_of_a_notification_depends_on_the_alerts_it_covers() {
    let pacing = Pacing {
        digest_interval_ms: 1_000,
        max_waiting: None,
        max_age_ms: 3_600_000,
    };
    let mut queue = Queue::resume(pacing, NextOffset(0), CommitMetadata::default());
    queue.offer(0, 0, Some(offered("g", Level::High)));
    let first = queue.next(0).expect("the first");
    let alone = Message::new("oncall", &first, 0, None).id;
    assert!(queue.failed(0, first).is_none());
    let again = queue.next(0).expect("the same");
    assert_eq!(Message::new("oncall", &again, 0, None).id, alone);
    assert!(queue.failed(0, again).is_none());
    queue.offer(1, 0, Some(offered("g", Level::High)));
    let more = queue.next(0).expect("more");
    assert_eq!(more.count, 2);
    let id = Message::new("oncall", &more, 0, None).id;
    assert_ne!(
        id, alone,
        "whoever knows the first would not read the second"
    );
}

#[test]
fn a_template_replaces_the_text_and_has_no_access_to_anything_else() {
    let template = |text: &str| Template::tried(None, Some(text.into()));
    let good = template(
        "{{ notice.who.name }} | {{ level }} | {{ notice.time_ms | time }}{% for f in facts %} {{ f.label }}{% endfor %}",
    )
    .expect("a template");
    let (_, text) = good
        .0
        .render(&Message::of_one("oncall", Notice::example(0), 0, None));
    let text = text.expect("a template").expect("a text");
    assert!(text.starts_with("Jane Doe | high | 1970-01-01"), "{text}");
    for bad in [
        "{{ notice.no_such_part }}",
        "{% include '/etc/passwd' %}",
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ unclosed",
    ] {
        assert!(template(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_record_that_is_not_an_alert_is_refused_with_a_reason() {
    for (value, reason) in [
        (&b"not json"[..], "alert_not_json"),
        (b"", "alert_not_json"),
        (b"[]", "alert_not_a_finding"),
        (b"{\"class_uid\":6003}", "alert_not_a_finding"),
        (
            b"{\"class_uid\":2004,\"severity_id\":4}",
            "alert_not_a_finding",
        ),
    ] {
        let error = Notice::read(value, position()).expect_err("refused");
        assert_eq!(error.reason(), reason);
    }
    assert_eq!(notice(SEVERAL.as_bytes()).level, Level::Critical);
}

/// The alert of a record that was read when its log had come as far as `logged_ms`.
fn read_late(logged_ms: i64, history: bool) -> Notice {
    let case: Value = serde_json::from_str(DELETED).expect("a case");
    // The event's own time is of no matter.
    let value = case["record"]["value"].to_string();
    let record = watchbell::event::RawRecord {
        position: position(),
        timestamp_ms: Some(0),
        key: None,
        value: Some(value.as_bytes()),
        headers: Vec::new(),
    };
    let reading = Reading {
        now_ms: NOW_MS,
        logged_ms: Some(logged_ms),
        history,
    };
    let mut outputs = OutputBuffer::default();
    pipeline_with(NAMES, 50_000_000)
        .begin()
        .process(&record, reading, &mut outputs);
    let alert = outputs
        .iter()
        .nth(1)
        .expect("an alert")
        .value
        .expect("a value");
    let value: Value = serde_json::from_slice(alert).expect("JSON");
    crate::ocsf::validate(&value);
    notice(alert)
}

#[test]
fn the_delay_of_an_alert_is_derived_from_the_timestamps_of_its_partition() {
    let hour_ms = 3_600_000;
    let route = Route {
        min_level: Level::Low,
        detection: None,
        max_alert_age_ms: hour_ms,
        replayed: false,
    };
    let arrival = |notice: &Notice, behind_ms| route.arrival(notice, behind_ms);
    let fresh = read_late(NOW_MS, false);
    assert_eq!(arrival(&fresh, 0), Arrival::InTime);
    assert_eq!(arrival(&fresh, hour_ms + 1), Arrival::Late);
    let half = read_late(NOW_MS - hour_ms / 2, false);
    assert_eq!(arrival(&half, 0), Arrival::InTime);
    assert_eq!(
        arrival(&half, hour_ms / 2 + 1),
        Arrival::Late,
        "they add up"
    );
    let late = read_late(NOW_MS - hour_ms - 1, false);
    assert_eq!(arrival(&late, 0), Arrival::Late);
    let history = read_late(NOW_MS - hour_ms - 1, true);
    assert_eq!(arrival(&history, 0), Arrival::History);
    assert_eq!(arrival(&read_late(NOW_MS, true), 0), Arrival::InTime);
    // A clock of ours that is behind makes nothing late.
    assert_eq!(
        arrival(&read_late(NOW_MS + hour_ms, true), 0),
        Arrival::InTime
    );
}

/// The digest of these alerts, all of them late.
fn digest(arrival: Arrival, levels: &[Level]) -> Message {
    let pacing = Pacing {
        digest_interval_ms: 300_000,
        max_waiting: Some(20),
        max_age_ms: 3_600_000,
    };
    let mut queue = Queue::resume(pacing, NextOffset(0), CommitMetadata::default());
    for (offset, level) in (0..).zip(levels) {
        let mut notice = notice(&alert(|_| {}));
        notice.level = *level;
        notice.position = format!("watchbell.alerts/0@{offset}");
        let offered = Offered {
            group_key: offset.to_string(),
            level: *level,
            rule: notice.rule.clone(),
            arrival,
            alert: Arc::new(notice),
        };
        queue.offer(offset, NOW_MS, Some(offered));
    }
    let next = queue.next(NOW_MS + 300_000).expect("a digest");
    assert!(queue.next(NOW_MS + 600_000).is_none(), "one digest");
    Message::new("oncall", &next, 0, None)
}

#[test]
fn a_digest_of_late_alerts_names_the_critical_ones_and_history_pages_nobody() {
    let mut levels = vec![Level::Medium; 40];
    levels.extend([Level::Critical; 25]);
    let late = digest(Arrival::Late, &levels);
    assert_eq!(
        (late.kind, late.level, late.count),
        ("late", Level::Critical, 65)
    );
    assert_eq!(late.title, "[CRITICAL] 65 late alerts, 25 of them critical");
    let lines: Vec<&str> = late.text.lines().collect();
    let named = lines.iter().filter(|line| line.starts_with("Critical: ["));
    assert_eq!(named.count(), 20, "{}", late.text);
    assert!(lines.contains(&"Critical: 5 more"), "{}", late.text);
    assert!(late.text.contains("watchbell.alerts/0@40"), "{}", late.text);
    let medium = digest(Arrival::Late, &levels[..3]);
    assert_ne!(
        medium.group_key, late.group_key,
        "it joins no incident of another level"
    );

    let history = digest(Arrival::History, &levels);
    assert_eq!(
        (history.kind, history.level),
        ("history", Level::Informational)
    );
    assert_eq!(history.text.matches("Critical: [").count(), 20);
    let pagerduty = endpoints()
        .into_iter()
        .find(|(name, _)| *name == "pagerduty");
    let (_, pagerduty) = pagerduty.expect("PagerDuty");
    let url = |message: &Message| pagerduty.requests(message, NOW_MS).remove(0).url;
    assert!(url(&late).ends_with("/v2/enqueue"));
    assert!(
        url(&history).ends_with("/v2/change/enqueue"),
        "a change opens no incident"
    );
}

#[test]
fn a_sink_knows_a_product_by_its_name_and_by_the_word_of_rules() {
    let takes = |detection: &str, notice: &Notice| {
        let node = watchbell::yaml::document(detection).expect("YAML");
        let detection = watchbell::sigma::detection(&node, &mut Vec::new()).expect("a detection");
        let route = Route {
            min_level: Level::Low,
            detection: Some(Route::compile(&detection).expect("fields that alerts have")),
            max_alert_age_ms: 1,
            replayed: false,
        };
        route.decide(notice).is_ok()
    };
    let notice = notice(&alert(|_| {}));
    for (product, taken) in [
        ("confluent", true),
        ("Confluent Cloud", true),
        ("Confluent Platform", false),
        ("cloudevents", false),
    ] {
        let detection = format!("{{s: {{product: {product}}}, condition: s}}");
        assert_eq!(takes(&detection, &notice), taken, "{product}");
    }
    // What is not listed could be what the detection is about: nobody may miss it.
    let mut many = notice.clone();
    let elsewhere = "{s: {resources.name: the-21st}, condition: s}";
    assert!(!takes(elsewhere, &many));
    many.resources = vec![many.resources[0].clone(); 20];
    many.resource_count = 100;
    assert!(takes(elsewhere, &many));
}

/// A name as people in China give it.
const CHINESE: &str = "生产环境-订单";

/// The document with every character beyond ASCII as `\uXXXX`, as many serializers write it.
pub fn ascii(json: &str) -> String {
    let escape = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
    };
    json.chars().map(escape).collect()
}

/// The subject and the text of a mail, as a reader of mails decodes them. Each encoded word of the subject has whole
/// characters (RFC 2047, section 5).
fn mail_of(request: &Request) -> (String, String) {
    let mail = std::str::from_utf8(&request.body).expect("UTF-8");
    assert!(mail.is_ascii(), "not every server takes 8 bits: {mail}");
    assert!(mail.lines().all(|line| line.len() <= 78), "{mail}");
    let (head, text) = mail.split_once("\r\n\r\n").expect("a header");
    let head = head.replace("\r\n ", " ");
    let header = |name: &str| {
        let lines = head.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.next().unwrap_or_else(|| panic!("{name}: {head}"))
    };
    let decode = |text: &str| {
        let bytes = BASE64.decode(text.as_bytes()).expect("base 64");
        String::from_utf8(bytes).expect("whole characters")
    };
    let word = |word: &str| match word.strip_prefix("=?utf-8?b?") {
        Some(encoded) => decode(encoded.strip_suffix("?=").expect("an encoded word")),
        None => format!("{word} "),
    };
    let subject = header("Subject").split(' ').map(word).collect();
    let text = match header("Content-Transfer-Encoding") {
        "base64" => decode(&text.replace("\r\n", "")),
        "quoted-printable" => String::from_utf8(quoted_printable(text)).expect("whole characters"),
        other => panic!("{other}"),
    };
    (subject, text)
}

/// RFC 2045, section 6.7.
fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(byte, 16).expect("two digits"));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[test]
fn chinese_names_can_be_read_in_the_messages_of_every_sink() {
    let chinese = |event: &mut Value| {
        event["data"]["cloudResources"][0]["resource"]["resourceId"] = CHINESE.into();
        event["data"]["request"]["data"]["StatementName"] = CHINESE.into();
        event["data"]["request"]["data"]["备注"] = "测试".into();
    };
    let alert = alert(chinese);
    let escaped = ascii(std::str::from_utf8(&alert).expect("UTF-8"));
    for alert in [alert, escaped.into_bytes()] {
        let message = message(notice(&alert), false);
        for (sink, endpoint) in endpoints() {
            for request in endpoint.requests(&message, NOW_MS) {
                let text = match sink {
                    "email" => {
                        let (subject, text) = mail_of(&request);
                        assert!(subject.contains(CHINESE), "{subject}");
                        text
                    }
                    _ => String::from_utf8(request.body).expect("UTF-8"),
                };
                assert!(text.contains(CHINESE), "{sink}: {text}");
                // The record, which not all of them show.
                let shows_record = text.contains("workspace_name") || text.contains("备注");
                assert!(shows_record || sink == "pagerduty", "{sink}: {text}");
                assert!(!text.contains("\\u"), "{sink} escapes: {text}");
            }
        }
    }
}

#[test]
fn a_long_chinese_name_is_cut_between_characters_in_the_messages_of_every_sink() {
    let long = CHINESE.repeat(200);
    let alert = alert(|event| {
        event["data"]["cloudResources"][0]["resource"]["resourceId"] = long.as_str().into();
        event["data"]["request"]["data"]["StatementName"] = long.as_str().into();
    });
    let message = message(notice(&alert), false);
    assert!(message.title.ends_with('…'), "{}", message.title);
    for (sink, endpoint) in endpoints() {
        for request in endpoint.requests(&message, NOW_MS) {
            let text = match sink {
                "email" => {
                    let (subject, text) = mail_of(&request);
                    assert!(subject.ends_with('…'), "{subject}");
                    text
                }
                _ => String::from_utf8(request.body).expect("UTF-8"),
            };
            assert!(
                text.contains(CHINESE) && text.contains('…'),
                "{sink}: {text}"
            );
            assert!(!text.contains('\u{fffd}'), "{sink}: {text}");
        }
    }
}
