//! Privacy policies through the whole pipeline: a hidden value occurs in no output, in no encoding, and the outputs are
//! valid OCSF all the same.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use data_encoding::BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use watchbell::event::{Header, OutputBuffer, OutputRecord, RawRecord};
use watchbell::pipeline::{Outcome, OutputList, Pipeline, Purpose};
use watchbell::privacy::{self, Policies, PseudonymKey};
use watchbell::route::{self, NoisePolicy};
use watchbell::yaml;

use crate::command::run_in;
use crate::pipeline::{NOW_MS, pipeline_with, record};
use crate::vendors::VENDORS;

/// An event is written in every shape.
const ROUTES: &str = "
- {name: lean, to: lean, shape: lean, continue: true}
- {name: raw, to: raw, shape: raw, key: source, continue: true}
- {name: fields, to: fields, shape: {fields: [actor, api, unmapped, resources, status_detail]}, key: resources.uid, continue: true}
";

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    let names =
        "{u-devccq71mwp: {name: Jane Doe, team: data}, u-5r7t9w: {name: Max Mad, owner: Otto Own}}";
    let mut pipeline = pipeline_with(names, 1_000_000);
    let mut outputs: OutputList = pipeline.outputs().clone();
    for topic in ["lean", "raw", "fields"] {
        outputs = outputs.with_events(topic, Purpose::Route);
    }
    pipeline.set_outputs(outputs);
    let (routes, problems) = route::read(&yaml::document(ROUTES).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    pipeline.routed(Arc::new(routes), NoisePolicy::Keep)
});

/// The same with a policy for every output.
fn private(fields: &[(&str, &str)]) -> Pipeline {
    let fields: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(field, treatment)| ((*field).to_owned(), json!(treatment)))
        .collect();
    let topics = ["events", "alerts", "lean", "raw", "fields"];
    let list = json!([{"name": "people", "fields": fields, "topics": topics}]);
    let (mut policies, problems) = privacy::read(&yaml::document(&list.to_string()).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    policies[0].key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef").ok();
    PIPELINE.clone().private(Policies::new(policies, false))
}

fn outputs(pipeline: &Pipeline, record: &RawRecord<'_>) -> (Outcome, Vec<OutputRecord>) {
    let mut out = OutputBuffer::default();
    let outcome = pipeline.begin().process(record, NOW_MS, &mut out);
    (outcome, out.to_records())
}

fn parsed(output: &OutputRecord) -> Value {
    serde_json::from_slice(output.value.as_deref().unwrap()).unwrap()
}

/// The texts and long numbers at a path of an event, and below it.
fn values(event: &Value, path: &[&str], found: &mut BTreeSet<String>) {
    match (event, path) {
        (Value::Array(elements), _) => {
            for element in elements {
                values(element, path, found);
            }
        }
        (Value::Object(members), [first, rest @ ..]) => {
            for (name, member) in members {
                if name == first {
                    values(member, rest, found);
                }
            }
        }
        (Value::Object(members), []) => {
            for member in members.values() {
                values(member, path, found);
            }
        }
        (Value::String(text), []) => {
            found.insert(text.clone());
        }
        (Value::Number(number), []) => {
            found.insert(number.to_string());
        }
        _ => {}
    }
}

/// Every text that an output holds: its key, its headers, and the names and texts of its value.
fn texts(output: &OutputRecord) -> Vec<String> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut texts = vec![lossy(output.key.as_deref().unwrap_or_default())];
    for (name, value) in &output.headers {
        texts.push(name.to_string());
        texts.push(lossy(value.as_deref().unwrap_or_default()));
    }
    let value = output.value.as_deref().unwrap_or_default();
    texts.push(lossy(value));
    if let Ok(value) = serde_json::from_slice(value) {
        collect(&value, &mut texts);
    }
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                texts.push(name.clone());
                collect(member, texts);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|one| collect(one, texts)),
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

/// The texts, and what they say as JSON, as JSON strings, in URLs and in Base64, so many times.
fn said(texts: Vec<String>, layers: usize) -> Vec<String> {
    let mut all = texts.clone();
    if layers == 0 {
        return all;
    }
    let mut beneath = Vec::new();
    for text in &texts {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            collect(&value, &mut beneath);
        }
        if let Ok(text) = serde_json::from_str::<String>(&format!("\"{text}\"")) {
            beneath.push(text);
        }
        beneath.push(
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned(),
        );
        let bytes = BASE64.decode(text.as_bytes()).unwrap_or_default();
        beneath.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    beneath.retain(|text| !texts.contains(text));
    beneath.sort();
    beneath.dedup();
    all.extend(said(beneath, layers - 1));
    all
}

/// Fields that people hide.
const FIELDS: [&str; 27] = [
    "actor.app_name",
    "actor.invoked_by",
    "actor.session",
    "actor.user",
    "actor.user.account",
    "actor.user.credential_uid",
    "actor.user.email_addr",
    "actor.user.groups.name",
    "actor.user.name",
    "actor.user.uid",
    "actor.user.uid_alt",
    "api.request.data",
    "api.request.uid",
    "api.response",
    "cloud.account",
    "cloud.org.uid",
    "cloud.project_uid",
    "enrichments",
    "http_request.user_agent",
    "metadata.correlation_uid",
    "metadata.source",
    "resources",
    "resources.owner.name",
    "resources.uid",
    "src_endpoint",
    "status_detail",
    "unmapped",
];

/// Texts that a policy leaves in other places, because they say nothing about anybody: words of OCSF and of catalogues,
/// and what is shorter than a word that can be told from others.
fn is_telling(text: &str) -> bool {
    let words = [
        "User", "Service", "System", "Unknown", "unknown", "true", "false", "null", "none", "None",
    ];
    text.len() >= 8 && !words.contains(&text)
}

#[test]
fn no_output_shows_a_hidden_field_of_any_documented_event_and_all_are_valid_ocsf() {
    let mut hidden = 0;
    let treatments = ["mask", "pseudonym", "drop"];
    let lines = VENDORS.iter().flat_map(|vendor| {
        let documented = vendor.documented.iter();
        documented
            .flat_map(|lines| lines.lines())
            .map(move |line| (vendor.topic, line))
    });
    let lines: Vec<(&str, &str)> = lines.collect();
    for (number, field) in FIELDS.iter().enumerate() {
        let treatment = treatments[number % treatments.len()];
        let pipeline = private(&[(field, treatment)]);
        for (topic, line) in &lines {
            let mut record = record(Some(line.as_bytes()));
            record.position.topic = topic;
            let (_, shown) = outputs(&PIPELINE, &record);
            // What is hidden of one event of a list may be shown of another.
            let mut events = shown.iter().filter(|output| &*output.topic == "events");
            let (Some(event), None) = (events.next(), events.next()) else {
                continue;
            };
            let event = parsed(event);
            let path: Vec<&str> = field.split('.').collect();
            let mut found = BTreeSet::new();
            values(&event, &path, &mut found);
            values(&event["unmapped"], &path, &mut found);
            let (_, private) = outputs(&pipeline, &record);
            assert_eq!(private.len(), shown.len(), "{field} of {line}");
            for output in &private {
                let value = parsed(output);
                if ["events", "alerts", "lean"].contains(&&*output.topic) {
                    crate::ocsf::validate(&value);
                }
                let texts = texts_but_those_of_rules(output);
                for value in found.iter().filter(|value| is_telling(value)) {
                    if is_word_of(&event, value) {
                        continue;
                    }
                    hidden += 1;
                    let leak = texts.iter().find(|text| text.contains(value.as_str()));
                    assert_eq!(
                        leak, None,
                        "{field}, {treatment}: {value} in {} of {line}",
                        output.topic
                    );
                }
            }
        }
    }
    assert!(hidden > 1_000, "{hidden}");
}

/// Every text of an output but what a rule says about itself, and the value as a whole, which repeats the rest.
fn texts_but_those_of_rules(output: &OutputRecord) -> Vec<String> {
    let mut value = parsed(output);
    if &*output.topic == "alerts" {
        for part in ["desc", "analytic", "attacks"] {
            value["finding_info"].as_object_mut().unwrap().remove(part);
        }
        value["unmapped"]
            .as_object_mut()
            .unwrap()
            .remove("falsepositives");
        value.as_object_mut().unwrap().remove("remediation");
    }
    let mut frame = OutputRecord {
        value: None,
        ..output.clone()
    };
    let is_ours = ["content-type", "ce_specversion", "ce_type"];
    frame
        .headers
        .retain(|(name, _)| !is_ours.contains(&&**name) && !name.starts_with("watchbell-"));
    let mut texts = texts(&frame);
    collect(&value, &mut texts);
    texts
}

/// Whether a text is one of the words that stay, or a part of one.
fn is_word_of(event: &Value, text: &str) -> bool {
    let fixed = [
        "class_name",
        "category_name",
        "activity_name",
        "api.operation",
        "api.service.name",
        "api.group",
        "metadata.event_code",
        "metadata.product",
        "metadata.labels",
        "metadata.log_name",
        "cloud.provider",
        "enrichments.name",
        "enrichments.type",
        "actor.user.type",
        "status_code",
        "time",
        "type_uid",
    ];
    let mut words = BTreeSet::new();
    for path in fixed {
        let path: Vec<&str> = path.split('.').collect();
        values(event, &path, &mut words);
        values(&event["unmapped"], &path, &mut words);
    }
    words.iter().any(|word| word.contains(text))
}

/// What nobody may see, with characters that encodings change.
fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9]{6}[A-Za-z0-9%/\\\\\"<>é€ &+]{2,10}[A-Za-z0-9]{2}"
}

fn as_escapes(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect()
}

fn in_url(text: &str) -> String {
    let set = percent_encoding::NON_ALPHANUMERIC;
    percent_encoding::utf8_percent_encode(text, set).to_string()
}

/// A request that has the secret in so many ways, and once more escaped throughout in the JSON of the record.
fn request(secret: &str) -> Value {
    json!({
        "mail": secret,
        "of": {secret: [secret, 1]},
        "text": format!("<{secret}> and {secret}x"),
        "json": json!({"a": secret}).to_string(),
        "twice": json!({"a": json!([secret]).to_string()}).to_string(),
        "escaped": format!("\"{}\"", as_escapes(secret)),
        "url": format!("https://x/{}?a=1", in_url(secret)),
        "urls": in_url(&in_url(secret)),
        "base64": BASE64.encode(secret.as_bytes()),
        "base64_json": BASE64.encode(json!({"a": secret}).to_string().as_bytes()),
        "escapes": "HERE",
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_hidden_value_occurs_in_no_output_in_no_encoding(
        secret in secret(),
        field in 0..3_usize,
        treatment in 0..3_usize,
        failed: bool,
    ) {
        let treatment = ["mask", "pseudonym", "drop"][treatment];
        let field = ["actor.user.uid", "api.request.data.mail", "unmapped.data.ours"][field];
        let event = json!({
            "specversion": "1.0", "id": format!("id {secret}"), "source": "crn://confluent.cloud/", "own": secret,
            "type": "io.confluent.kafka.server/request", "time": "2026-11-28T10:00:00Z", "subject": secret,
            "data": {
                "serviceName": "crn://confluent.cloud/", "methodName": "kafka.DeleteTopics", "ours": secret,
                "resourceName": format!("crn://confluent.cloud/kafka=lkc-1/topic={}", in_url(&secret)),
                "authenticationInfo": {"principal": {"email": secret, "confluentUser": {"resourceId": secret}}},
                "request": {"data": request(&secret), "clientId": secret},
                "result": {"status": if failed { "FAILURE" } else { "SUCCESS" }, "message": format!("no {secret}")},
            },
        });
        let value = event.to_string().replace("HERE", &as_escapes(&secret));
        let record = RawRecord {
            key: Some(secret.as_bytes()),
            headers: vec![
                Header { name: &secret, value: None },
                Header { name: "x", value: Some(secret.as_bytes()) },
            ],
            ..record(Some(value.as_bytes()))
        };
        let (outcome, shown) = outputs(&PIPELINE, &record);
        let is_event = matches!(outcome, Outcome::Event { .. });
        prop_assert!(is_event, "{outcome:?}");
        let occurs = |outputs: &[OutputRecord]| {
            let all = outputs.iter().flat_map(|output| said(texts(output), 4));
            all.filter(|text| text.contains(&secret)).count()
        };
        prop_assert!(occurs(&shown) > 20);
        let pipeline = private(&[(field, treatment)]);
        let (_, private) = outputs(&pipeline, &record);
        prop_assert_eq!(private.len(), shown.len());
        for output in &private {
            let leak = said(texts(output), 4).into_iter().find(|text| text.contains(&secret));
            prop_assert_eq!(leak, None, "{} has {:?}", &output.topic, &secret);
        }
    }
}

#[test]
fn a_dead_letter_and_its_alert_tell_nothing_of_a_sealed_record() {
    let pipeline = private(&[("actor.user.uid", "mask")]);
    for value in [
        r#"{"u-secret-1": 1, "u-secret-1": 2, "data": {"methodName": "DeleteKafkaCluster"}, "specversion": "1.0"}"#,
        r#"{"Code": "u-secret-1", "Message": "u-secret-1", "RequestId": "u-secret-1", "HostId": "u-secret-1"}"#,
        r#"not JSON: u-secret-1"#,
        r#""u-secret-1""#,
    ] {
        let record = RawRecord {
            key: Some(b"u-secret-1"),
            headers: vec![Header {
                name: "u-secret-1",
                value: Some(b"u-secret-1"),
            }],
            ..record(Some(value.as_bytes()))
        };
        let (outcome, written) = outputs(&pipeline, &record);
        assert!(
            matches!(outcome, Outcome::DeadLetter { .. }),
            "{value}: {outcome:?}"
        );
        let (letter, alert) = (&written[0], &written[1]);
        assert_eq!((letter.key.as_ref(), letter.value.as_ref()), (None, None));
        for output in [letter, alert] {
            let leak = texts(output)
                .into_iter()
                .find(|text| text.contains("secret"));
            assert_eq!(leak, None, "{value}");
        }
        let header = |name: &str| {
            let found = letter.headers.iter().find(|(known, _)| known == name);
            let value = found.and_then(|(_, value)| value.as_deref());
            String::from_utf8_lossy(value.unwrap_or_else(|| panic!("no {name}"))).into_owned()
        };
        assert_eq!(header("watchbell-sealed"), "true");
        assert_eq!(header("watchbell-cut-size"), value.len().to_string());
        assert_eq!(header("watchbell-source-offset"), "42");
        let alert = parsed(alert);
        let title = alert["message"].as_str().unwrap();
        assert_eq!(
            title.contains("DeleteKafkaCluster"),
            value.contains("DeleteKafkaCluster"),
            "{title}"
        );
    }
}

/// The configuration of a sink that gets the alerts about one actor, and does not show who that is.
const SINK: &str = "
sources: {confluent: {bootstrap: 'audit.example:9092'}}
destination: {bootstrap: 'own.example:9092'}
notify:
  chat:
    type: webhook
    url: https://example.com/hook
    min_level: low
    detection: {s: {actor.user.uid: u-devccq71mwp}, condition: s}
privacy:
  policies: [{name: chat, fields: {actor.user: mask, src_endpoint.ip: drop}, sinks: [chat]}]
";

#[test]
fn a_sink_filters_by_the_whole_alert_and_is_told_what_its_policy_leaves() {
    let config = watchbell::config::from_parts(Some(("w.yaml", SINK)), &[])
        .unwrap()
        .config;
    let sink = &config.sinks[0];
    let mut told = 0;
    for line in crate::pipeline::SEED.lines() {
        let record = record(Some(line.as_bytes()));
        let (_, shown) = outputs(&PIPELINE, &record);
        for alert in shown.iter().filter(|output| &*output.topic == "alerts") {
            let value = alert.value.as_deref().unwrap();
            let (notice, decision) = sink.read(value, record.position).unwrap();
            assert_eq!(
                decision.is_ok(),
                line.contains("u-devccq71mwp"),
                "{decision:?} {line}"
            );
            told += u32::from(decision.is_ok());
            let notice = serde_json::to_string(&notice).unwrap();
            let ip = parsed(alert)["evidences"][0]["src_endpoint"]["ip"].clone();
            for hidden in [
                "u-devccq71mwp",
                "Jane Doe",
                ip.as_str().unwrap_or("u-devccq71mwp"),
            ] {
                assert!(!notice.contains(hidden), "{hidden}: {notice}");
            }
            assert!(notice.contains("***"), "{notice}");
        }
    }
    assert!(told > 0);
}

#[test]
fn replay_prints_what_each_topic_would_get() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let events = file("events.json", crate::pipeline::SEED);
    let more = "
routes: [{name: raw, when: {api.operation: DeleteStatement}, to: raw, shape: raw, continue: true}]
";
    let topics = "topics: [watchbell.events, watchbell.routine, raw], sinks: [chat]";
    let config = SINK
        .replace("sinks: [chat]", topics)
        .replace("src_endpoint.ip: drop", "api.request.data: drop");
    let config = file("w.yaml", &(config + more));
    let arguments = ["replay", &events, "-c", &config, "--emit", "routed"];
    let ran = run_in(folder.path(), &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let text = ran.stdout;
    let mut topics = BTreeSet::new();
    for line in text.lines() {
        let output: Value = serde_json::from_str(line).unwrap();
        let topic = output["topic"].as_str().unwrap();
        let is_shown = topic != "watchbell.alerts" && line.contains("u-devccq71mwp");
        assert!(!is_shown, "{line}");
        topics.insert(topic.to_owned());
    }
    assert_eq!(
        Vec::from_iter(&topics),
        [
            "raw",
            "watchbell.alerts",
            "watchbell.events",
            "watchbell.routine"
        ]
    );
    assert!(
        text.contains("u-devccq71mwp"),
        "the alerts topic has no policy"
    );
    let refused = run_in(folder.path(), &["replay", &events, "--emit", "routed"]);
    assert!(
        refused.stderr.contains("needs a configuration"),
        "{}",
        refused.stderr
    );
}
