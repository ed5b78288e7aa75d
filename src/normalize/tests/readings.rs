//! Names that stand twice in one object, or in two spellings: whose they are, and which rules match
//! an event that has them.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::diagnostic::Severity;
use crate::encode;
use crate::event::Path;
use crate::sigma::{
    self, Detection, Engine, Fields, Logsource, LogsourceDetection, Placeholders, Scratch,
    Value as Seen,
};
use crate::view::{Emitted, Filter, FilterText, RecordKind};
use crate::yaml;

const LABEL: &str = "json:repeated_names";

/// An event of Confluent's with these members of `data` besides its method.
fn event(members: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"1","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","data":{{"methodName":"M",{members}}}}}"#
    )
}

fn values(event: &AuditEvent<'_>, path: &str, is_certain: bool) -> Vec<String> {
    let path = Path::parse(path).unwrap();
    let mut found = Vec::new();
    let visit = &mut |value: Seen<'_>| {
        found.extend(value.text().map(std::borrow::Cow::into_owned));
        std::ops::ControlFlow::Continue(())
    };
    match is_certain {
        true => event.certain_values(&path, visit),
        false => event.values(&path, visit),
    }
    found
}

fn has_label(event: &AuditEvent<'_>) -> bool {
    event.metadata.labels.iter().any(|label| *label == LABEL)
}

fn written(event: &AuditEvent<'_>) -> String {
    let mut out = Vec::new();
    encode::event(event, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_name_twice_in_the_envelope_is_a_dead_letter_that_names_both_spellings() {
    let cases = [
        (
            event(r#""result":{"status":"SUCCESS","status":"FAILURE"}"#),
            "the name \"status\" occurs twice in one object",
        ),
        (
            event(r#""Result":{"status":"FAILURE"},"result":{"status":"SUCCESS"}"#),
            "the names \"Result\" and \"result\" of one object are spellings of one",
        ),
        (
            event(r#""method_name":"DeleteKafkaCluster""#),
            "the names \"methodName\" and \"method_name\" of one object are spellings of one",
        ),
        (
            event(r#""request":{"data":{}},"re\u0071uest":{"data":{}}"#),
            "the name \"request\" occurs twice in one object",
        ),
        (
            event(r#""result":{"data":{},"Data":{}}"#),
            "the names \"data\" and \"Data\" of one object are spellings of one",
        ),
        (
            event(r#""cloudResources":[{"resource":{"_type":"T","type":"U","resourceId":"r"}}]"#),
            "the names \"_type\" and \"type\" of one object are spellings of one",
        ),
        (
            event(r#""requestMetadata":{"requestId":["1"],"request_id":"2"}"#),
            "the names \"requestId\" and \"request_id\" of one object are spellings of one",
        ),
        (
            r#"{"specversion":"1.0","id":"1","Id":"2","source":"/s","type":"t"}"#.to_owned(),
            "the names \"id\" and \"Id\" of one object are spellings of one",
        ),
    ];
    for (text, expected) in cases {
        let error = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap_err();
        assert_eq!(error.reason(), "duplicate_key", "{text}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn every_reading_of_what_the_caller_sent_is_a_value_and_none_is_sure() {
    for names in [
        r#""role_name":"Reader","role_name":"Admin""#,
        r#""role_name":"Reader","roleName":"Admin""#,
        r#""_roleName":"Reader","\u0072oleName":"Admin""#,
        r#""RoleName":"Reader","other":1,"role_name":"Admin""#,
    ] {
        let text = event(&format!(r#""request":{{"data":{{{names},"id":"x"}}}}"#));
        let event = normal(&text);
        assert!(has_label(&event), "{names}");
        let path = "api.request.data.roleName";
        assert_eq!(values(&event, path, false), ["Reader", "Admin"], "{names}");
        assert!(values(&event, path, true).is_empty(), "{names}");
        assert_eq!(values(&event, "api.request.data.id", true), ["x"]);
        let written = written(&event);
        assert!(written.contains(&format!("{{{names},")), "{written}");
    }
}

#[test]
fn a_name_that_says_the_same_twice_is_sure() {
    let text = event(r#""request":{"data":{"a":{"b":"x"},"A":{"b":"x"}}}"#);
    let event = normal(&text);
    assert!(has_label(&event));
    assert_eq!(values(&event, "api.request.data.a.b", true), ["x"]);
}

#[test]
fn whatever_is_below_request_is_the_callers() {
    let text = event(
        r#""request":{"data":{"a":"1"},"accessType":"READ_ONLY","access_type":"MODIFICATION","Data":{"a":"2"},"data":null}"#,
    );
    let event = normal(&text);
    assert!(has_label(&event));
    assert_eq!(values(&event, "api.request.data.a", false), ["1", "2"]);
    assert!(values(&event, "api.request.data.a", true).is_empty());
    let access = "unmapped.data.request.access_type";
    assert_eq!(values(&event, access, false), ["READ_ONLY", "MODIFICATION"]);
    let written = written(&event);
    assert!(
        written.contains(r#""data":{"a":"1"},"data":{"a":"2"}"#),
        "{written}"
    );
    assert!(written.contains(r#""data":null"#), "{written}");
}

#[test]
fn a_client_has_as_many_names_as_it_gives_itself() {
    let path = "actor.app_name";
    for members in [
        r#""request":{"clientId":"a","client_id":"b"}"#,
        r#""requestMetadata":{"clientId":"a","ClientId":"b"}"#,
        r#""request":{"clientId":"","clientId":"a"},"requestMetadata":{"clientId":"b"}"#,
    ] {
        let text = event(members);
        let event = normal(&text);
        assert!(has_label(&event), "{members}");
        let mut found = values(&event, path, false);
        found.sort();
        found.dedup();
        assert_eq!(found, ["a", "b"], "{members}");
        assert!(values(&event, path, true).is_empty(), "{members}");
    }
    let one = event(r#""requestMetadata":{"clientId":"a","userAgent":"x","user_agent":"y"}"#);
    let event = normal(&one);
    assert!(has_label(&event));
    assert_eq!(values(&event, path, true), ["a"]);
}

#[test]
fn a_method_that_the_catalogue_lacks_accesses_as_any_reading_says() {
    for access in [
        r#""accessType":"READ_ONLY","accessType":"MODIFICATION""#,
        r#""access_type":"MODIFICATION","accessType":"READ_ONLY""#,
    ] {
        let text = event(&format!(r#""request":{{{access}}}"#));
        let event = normal(&text);
        assert!(matches(&event, "metadata.labels: access:write"), "{access}");
        assert!(
            matches(&event, "metadata.labels|neq: access:read"),
            "{access}"
        );
    }
    let once = event(r#""request":{"accessType":"READ_ONLY"}"#);
    assert!(!matches(&normal(&once), "metadata.labels|neq: access:read"));
}

#[test]
fn an_error_has_a_reading_for_each_way_to_read_the_answer() {
    let text = event(
        r#""result":{"status":"FAILURE","data":{"errors":[{"code":"1","code":"2","detail":"d"}],"message":"m"}}"#,
    );
    let event = normal(&text);
    assert_eq!(values(&event, "api.response.error", false), ["1", "1", "2"]);
    assert!(values(&event, "api.response.error", true).is_empty());
}

#[test]
fn the_data_of_a_cloud_event_of_unknown_origin_may_be_anybodys() {
    let text =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":"1","A":"2"}}"#;
    let event = normal(text);
    assert!(has_label(&event));
    assert_eq!(values(&event, "unmapped.data.a", false), ["1", "2"]);
    assert!(values(&event, "unmapped.data.a", true).is_empty());
}

#[test]
fn names_that_are_alike_and_not_the_same_are_no_readings() {
    for line in SHAPES.lines().chain(FLINK.lines()) {
        let event = normal(line);
        assert!(
            !has_label(&event) && event.unmapped.repeated.is_empty(),
            "{line}"
        );
    }
}

#[test]
fn a_key_with_dots_is_reached_by_its_path() {
    let path = "api.request.data.configs.cleanup.policy";
    for configs in [
        r#"{"cleanup.policy":"delete"}"#,
        r#"{"cleanup":{"policy":"delete"}}"#,
        r#"[{"x":1},{"CleanUp.Pol_icy":"delete"}]"#,
        r#"{"cleanup.policies":1,"cleanup":"x","cleanup\u002epolicy":["delete"]}"#,
    ] {
        let text = event(&format!(r#""request":{{"data":{{"configs":{configs}}}}}"#));
        let event = normal(&text);
        assert_eq!(values(&event, path, false), ["delete"], "{configs}");
        assert_eq!(values(&event, path, true), ["delete"], "{configs}");
        assert!(!has_label(&event));
    }
    let whole = event(
        r#""request":{"data":{"configs.cleanup.policy":null,"configs":{"cleanup.policy":"x"}}}"#,
    );
    let both = normal(&whole);
    // Who sends both may not choose which counts.
    assert_eq!(values(&both, path, false), ["x"]);
    assert!(values(&both, path, true).is_empty());
    for configs in [
        r#"{"cleanup.policy.x":"delete"}"#,
        r#"{"cleanup":{"x.policy":1}}"#,
        r#"{"cleanup.":{"policy":1}}"#,
    ] {
        let text = event(&format!(r#""request":{{"data":{{"configs":{configs}}}}}"#));
        assert!(values(&normal(&text), path, false).is_empty(), "{configs}");
    }
}

fn matches(event: &AuditEvent<'_>, selection: &str) -> bool {
    let mut problems = Vec::new();
    let document = yaml::document(&format!("{{s: {{{selection}}}, condition: s}}")).unwrap();
    let detection = sigma::detection(&document, &mut problems).unwrap();
    let target = LogsourceDetection {
        logsource: &Logsource::default(),
        detection: &detection,
    };
    let engine = Engine::compile([target], &Path::parse).unwrap();
    !engine.matches(event, &mut Scratch::default()).is_empty()
}

#[test]
fn rules_see_half_a_surrogate_pair_as_text_and_a_large_number_by_its_size() {
    let text = event(r#""request":{"data":{"label":"cut \ud83d","x":1e999,"y":-1e999}}"#);
    let record = record(Some(text.as_bytes()));
    let refused = event_of(&record, Catalogs::NONE, None).unwrap_err();
    assert_eq!(
        refused,
        NormalizeError::Json(crate::json::JsonError::NotPortable)
    );
    let portable = OnceCell::new();
    let within = Within::default();
    let event = normalize(&record, &portable, &within, Catalogs::NONE, None).unwrap();
    let Normalized::Event(event) = event else {
        panic!("not an event");
    };
    let labels = ["json:surrogate_as_text", "json:number_as_text"];
    assert!(event.metadata.labels.ends_with(&labels.map(Text::from)));
    for selection in [
        r"api.request.data.label|endswith: ' \ud83d'",
        "api.request.data.x|gt: 179769313486231570000",
        "api.request.data.x|gte: 1.0e308",
        "api.request.data.y|lt: -1.0e308",
        "api.request.data.x: '1E999'",
    ] {
        assert!(matches(&event, selection), "{selection}");
    }
    for selection in ["api.request.data.x|lt: 5", "api.request.data.y|gt: 5"] {
        assert!(!matches(&event, selection), "{selection}");
    }
}

/// A value whose objects may hold a name twice.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str),
    List(Vec<Tree>),
    Object(Vec<(&'static str, Tree)>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Leaf(raw) => (*raw).to_owned(),
            Tree::List(items) => {
                let items: Vec<String> = items.iter().map(Tree::text).collect();
                format!("[{}]", items.join(","))
            }
            Tree::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{}", value.text()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// The same with the first element of each list alone, with other names in place of those with dots, and with
    /// something in each object: here the engine does not have to estimate what readings have in common.
    fn without_lists_and_dots(self) -> Tree {
        match self {
            Tree::Leaf(raw) => Tree::Leaf(raw),
            Tree::List(items) => match items.into_iter().next() {
                Some(first) => first.without_lists_and_dots(),
                None => Tree::Leaf("7"),
            },
            Tree::Object(members) => {
                let plain = |name: &'static str| name.split('.').next().unwrap_or(name);
                let members = members.into_iter();
                let members =
                    members.map(|(name, value)| (plain(name), value.without_lists_and_dots()));
                Tree::Object(members.chain([("other", Tree::Leaf("7"))]).collect())
            }
        }
    }

    /// Every way to choose one member of each name, at most so many.
    fn readings(&self, most: usize) -> Vec<Value> {
        let product = |parts: Vec<Vec<Value>>| {
            parts.into_iter().fold(vec![Vec::new()], |so_far, part| {
                let longer = so_far.iter().flat_map(|one: &Vec<Value>| {
                    part.iter()
                        .map(|value| [one.as_slice(), std::slice::from_ref(value)].concat())
                });
                longer.take(most).collect()
            })
        };
        match self {
            Tree::Leaf(raw) => vec![serde_json::from_str(raw).unwrap()],
            Tree::List(items) => {
                let items = items.iter().map(|item| item.readings(most)).collect();
                product(items).into_iter().map(Value::from).collect()
            }
            Tree::Object(members) => {
                let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for (name, value) in members {
                    let name = name.replace('_', "").to_lowercase();
                    by_name
                        .entry(name)
                        .or_default()
                        .extend(value.readings(most));
                }
                let (names, choices): (Vec<_>, Vec<_>) = by_name.into_iter().unzip();
                let chosen = product(choices).into_iter();
                chosen
                    .map(|values| {
                        names
                            .iter()
                            .cloned()
                            .zip(values)
                            .collect::<Map<_, _>>()
                            .into()
                    })
                    .collect()
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let name = prop::sample::select(vec!["a", "A", "b", "_b", "a.b", "b.a", "c"]);
    let leaf = prop::sample::select(vec![r#""x""#, r#""y""#, r#""xy""#, "7", "null", "true"])
        .prop_map(Tree::Leaf);
    let tree = leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Tree::List),
            4 => prop::collection::vec((name.clone(), inner), 0..4).prop_map(Tree::Object),
        ]
    });
    let name = prop::sample::select(vec!["a", "A", "b", "_b", "a.b", "b.a", "c"]);
    prop::collection::vec((name, tree), 0..5).prop_map(Tree::Object)
}

/// How one reading of a value is read where a dot may be part of a name or stand between two.
#[derive(Debug, Clone, Copy)]
enum Dots {
    Name,
    Between,
    Both,
}

/// The values of a path in one reading, found by trying every split of it.
fn naive_values(value: &Value, path: &[&str], dots: Dots, out: &mut Vec<Value>) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut found = false;
            for item in items {
                found |= naive_values(item, path, dots, out);
            }
            found
        }
        _ if path.is_empty() => {
            out.push(value.clone());
            true
        }
        Value::Object(members) => {
            let mut found = false;
            let mut lengths: Vec<usize> = (1..=path.len()).collect();
            if matches!(dots, Dots::Name) {
                lengths.reverse();
            }
            for length in lengths {
                let Some(member) = members.get(&path[..length].join(".")) else {
                    continue;
                };
                found |= naive_values(member, &path[length..], dots, out);
                if found && !matches!(dots, Dots::Both) {
                    return true;
                }
            }
            found
        }
        _ => false,
    }
}

/// Whether a member of an object, or an element of it at any depth, is so.
fn any(object: &Value, name: &str, is: fn(&Value) -> bool) -> bool {
    fn within(value: &Value, is: fn(&Value) -> bool) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| within(item, is)),
            value => is(value),
        }
    }
    object.get(name).is_some_and(|value| within(value, is))
}

fn has(object: &Value, name: &str, text: &str) -> bool {
    match text {
        "x" => any(object, name, |value| value == "x"),
        _ => any(object, name, |value| value == "y"),
    }
}

/// A line of a selection, and whether it holds for these values.
type Line = (&'static str, fn(&[Value]) -> bool);

const LINES: [Line; 11] = [
    ("FIELD: x", |values| values.iter().any(|v| v == "x")),
    ("FIELD|neq: x", |values| !values.iter().any(|v| v == "x")),
    ("FIELD|contains: y", |values| {
        values
            .iter()
            .any(|v| v.as_str().is_some_and(|v| v.contains('y')))
    }),
    ("FIELD|exists: true", |values| !values.is_empty()),
    ("FIELD|exists: false", <[Value]>::is_empty),
    ("FIELD: null", |values| {
        values.is_empty() || values.iter().any(Value::is_null)
    }),
    ("FIELD: {a: x, b: y}", |values| {
        values.iter().any(|v| has(v, "a", "x") && has(v, "b", "y"))
    }),
    ("FIELD: {a|neq: x, c|exists: true}", |values| {
        let meets = |v: &&Value| v.is_object() && !has(v, "a", "x") && v.get("c").is_some();
        values.iter().find(meets).is_some()
    }),
    ("FIELD: [{a: null, c: y}, {b: x}]", |values| {
        let is_null = |v: &Value| v.is_null();
        let meets = |v: &Value| has(v, "c", "y") && (v.get("a").is_none() || any(v, "a", is_null));
        values.iter().any(|v| meets(v) || has(v, "b", "x"))
    }),
    ("FIELD|gt: 5", |values| values.iter().any(|v| v == 7)),
    ("FIELD|contains|all: [x, y]", |values| {
        ["x", "y"].iter().all(|part| {
            values
                .iter()
                .any(|v| v.as_str().is_some_and(|v| v.contains(part)))
        })
    }),
];

const FIELDS: [&str; 5] = ["a", "b", "a.b", "b.a.c", "a.b.a"];

/// A condition, and whether it holds for the selections `s0` to `s2`.
type Condition = (&'static str, fn(&[bool]) -> bool);

const CONDITIONS: [Condition; 8] = [
    ("s0 and s1 and s2", |s| s[0] && s[1] && s[2]),
    ("s0 and not s1", |s| s[0] && !s[1]),
    ("s0 and not 1 of s1 or s2", |s| s[0] && !s[1] || s[2]),
    ("not s0", |s| !s[0]),
    ("not (s0 and not s1)", |s| !s[0] || s[1]),
    ("2 of s*", |s| s.iter().filter(|s| **s).count() >= 2),
    ("not all of s*", |s| !(s[0] && s[1] && s[2])),
    ("s0 and not (s1 or not s2)", |s| s[0] && !s[1] && s[2]),
];

#[derive(Debug, Clone)]
struct Rule {
    lines: [(usize, usize); 3],
    condition: usize,
}

impl Rule {
    fn yaml(&self) -> String {
        let selection = |number: usize| {
            let (line, field) = self.lines[number];
            let field = format!("api.request.data.{}", FIELDS[field]);
            format!(
                "s{number}: {{{}}}\n",
                LINES[line].0.replace("FIELD", &field)
            )
        };
        let condition = CONDITIONS[self.condition].0;
        format!(
            "{}{}{}condition: {condition}",
            selection(0),
            selection(1),
            selection(2)
        )
    }

    fn holds(&self, reading: &Value, dots: Dots) -> bool {
        let selections = self.lines.map(|(line, field)| {
            let mut values = Vec::new();
            let path: Vec<&str> = FIELDS[field].split('.').collect();
            naive_values(reading, &path, dots, &mut values);
            LINES[line].1(&values)
        });
        CONDITIONS[self.condition].1(&selections)
    }

    fn detection(&self) -> Detection {
        let mut problems = Vec::new();
        let document = yaml::document(&self.yaml()).unwrap();
        let detection = sigma::detection(&document, &mut problems).unwrap();
        problems.retain(|problem| problem.severity == Severity::Error);
        assert!(problems.is_empty(), "{problems:?}");
        detection
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let line = || (0..LINES.len(), 0..FIELDS.len());
    ([line(), line(), line()], 0..CONDITIONS.len())
        .prop_map(|(lines, condition)| Rule { lines, condition })
}

#[test]
fn a_name_that_has_a_value_in_every_reading_is_not_missing() {
    let request = |data: &str| event(&format!(r#""request":{data}"#));
    let error = r#""result":{"status":"FAILURE","data":{"errors":[{"code":"1","code":"2"}]}}"#;
    let client = r#""requestMetadata":{"clientId":"a","ClientId":"b"}"#;
    for (text, path, is_missing) in [
        (
            request(r#"{"data":{"a":"x","a":"y"}}"#),
            "api.request.data.a",
            false,
        ),
        (
            request(r#"{"data":{"a":"x","A":{"b":1}}}"#),
            "api.request.data.a",
            false,
        ),
        (
            request(r#"{"data":{"a":"x","A":{"b":1}}}"#),
            "api.request.data.a.b",
            true,
        ),
        (
            request(r#"{"data":{"a":{"b":0},"A":{"b":1}}}"#),
            "api.request.data.a.b",
            false,
        ),
        (
            request(r#"{"data":{"a":1},"Data":{"a":2}}"#),
            "api.request.data.a",
            false,
        ),
        (
            request(r#"{"data":{"a":1},"Data":{"b":2}}"#),
            "api.request.data.a",
            true,
        ),
        (event(client), "actor.app_name", false),
        // Who reads the error elsewhere finds none.
        (event(error), "api.response.error", true),
    ] {
        let event = normal(&text);
        assert!(has_label(&event), "{text}");
        for line in ["|exists: false", ": null"] {
            let line = format!("{path}{line}");
            assert_eq!(matches(&event, &line), is_missing, "{line} {text}");
        }
        assert!(matches(&event, &format!("{path}|exists: true")), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_field_is_missing_if_and_only_if_some_reading_lacks_it(data in tree()) {
        let data = data.without_lists_and_dots();
        let text = data.text();
        let readings = data.readings(300);
        let event_text = event(&format!(r#""request":{{"data":{text}}}"#));
        let event = normal(&event_text);
        for field in FIELDS {
            let path: Vec<&str> = field.split('.').collect();
            let lacks = |reading: &Value| !naive_values(reading, &path, Dots::Between, &mut Vec::new());
            let line = format!("api.request.data.{field}|exists: false");
            prop_assert_eq!(matches(&event, &line), readings.iter().any(lacks), "{}", line);
        }
    }

    #[test]
    fn a_rule_matches_if_it_matches_any_reading(
        data in tree(),
        rules in prop::collection::vec(rule(), 1..6),
    ) {
        let text = event(&format!(r#""request":{{"data":{}}}"#, data.text()));
        let event = normal(&text);
        // An empty payload is no attribute.
        prop_assume!(event.api.request_data.is_some());
        let detections: Vec<Detection> = rules.iter().map(Rule::detection).collect();
        let logsource = Logsource::default();
        let targets = detections.iter().map(|detection| LogsourceDetection { logsource: &logsource, detection });
        let engine = Engine::compile(targets, &Path::parse).unwrap();
        let matched = engine.matches(&event, &mut Scratch::default()).to_vec();
        let readings = data.readings(300);
        let is_single = readings.len() == 1 && !data.text().contains('.');
        let written = written(&event);
        for (number, rule) in rules.iter().enumerate() {
            let is_matched = matched.contains(&number);
            for dots in [Dots::Name, Dots::Between, Dots::Both] {
                let in_some = readings.iter().any(|reading| rule.holds(reading, dots));
                prop_assert!(is_matched || !in_some, "{}\n{:?}", rule.yaml(), dots);
                prop_assert!(!is_single || is_matched == in_some, "{}", rule.yaml());
            }
            // What is told of the selections accounts for the answer.
            let told: Vec<bool> = engine.explain(number, &event).iter().map(|s| s.holds).collect();
            prop_assert_eq!(CONDITIONS[rule.condition].1(&told), is_matched, "{}", rule.yaml());
            let outcome = engine.outcome(number, &detections[number], &event).unwrap();
            prop_assert_eq!(outcome.matches(), is_matched, "{}", rule.yaml());
            // A filter of the same words takes the event that was written.
            let yaml = rule.yaml();
            let filter = FilterText { name: "f", text: &yaml };
            let (filter, _) = Filter::parse(RecordKind::Event, &[filter], &Placeholders::default()).unwrap();
            let taken = filter.takes(&Emitted::value(written.as_bytes()), &mut Scratch::default());
            prop_assert_eq!(taken, is_matched, "{}\n{}", yaml, written);
        }
    }
}
