//! The JSON Schema of the configuration file, for editors and for checks before a rollout. It is made
//! from the table of keys. It requires no key, since environment variables may set any that is missing.

use serde_json::{Map, Value, json};

use super::schema::ROOT;
use crate::settings::{DefaultValue, Key, RuleValue, ScalarType, Shape};
use crate::sigma::{Level, Status};

/// One or more numbers with a unit: `1h 30m`.
const DURATION: &str = "^[0-9]+(\\.[0-9]+)? ?(ms|s|m|h|d)( ?[0-9]+ ?(ms|s|m|h|d))*$";

/// The librdkafka properties that are secrets. A file that contains one of them is refused.
const SECRETS: [&str; 6] = [
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.client.secret",
];

/// JSON Schema, draft 2020-12.
pub fn json_schema() -> Value {
    let mut schema = section(ROOT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("watchbell configuration");
    schema
}

fn section(keys: &[Key]) -> Value {
    // A secret may not be in the file.
    let in_file = keys
        .iter()
        .filter(|key| !matches!(key.shape, Shape::Secret));
    let properties: Map<String, Value> = in_file
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(key: &Key) -> Value {
    let mut property = match key.shape {
        Shape::Section(keys) => section(keys),
        Shape::Named(keys) => json!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z0-9._-]{1,200}$"},
            "additionalProperties": section(keys()),
        }),
        Shape::Properties => json!({
            "type": ["object", "null"],
            "propertyNames": {"not": {"enum": SECRETS}},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }),
        Shape::ByRule(value) => json!({
            "type": ["object", "null"],
            "additionalProperties": match value {
                RuleValue::Level => json!({"enum": Level::ALL.map(Level::as_str)}),
                RuleValue::Status => json!({"enum": Status::IN_FORCE.map(Status::as_str)}),
                RuleValue::Text => scalar(ScalarType::Text),
                RuleValue::Fields => list(),
            },
        }),
        Shape::List => list(),
        Shape::Structure(structure) => (structure.schema)(),
        Shape::Scalar | Shape::Secret => scalar(key.scalar_type),
    };
    property["description"] = json!(key.about);
    match key.default {
        DefaultValue::None => {}
        DefaultValue::Text(text) => property["default"] = json!(text),
        DefaultValue::Count(count) => property["default"] = json!(count),
        DefaultValue::Flag(flag) => property["default"] = json!(flag),
        DefaultValue::List(words) => property["default"] = json!(words),
    }
    property
}

fn list() -> Value {
    json!({
        "type": ["array", "string", "null"],
        "items": {"type": "string"},
    })
}

fn scalar(scalar_type: ScalarType) -> Value {
    match scalar_type {
        ScalarType::Text => json!({"type": ["string", "null"]}),
        ScalarType::Count => json!({"type": ["integer", "null"], "minimum": 0}),
        ScalarType::Flag => json!({"type": ["boolean", "null"]}),
        ScalarType::Choice(words) => {
            let words = words.iter().map(|word| json!(word));
            let words: Vec<Value> = words.chain([Value::Null]).collect();
            json!({"enum": words})
        }
        ScalarType::Duration => json!({"type": ["string", "null"], "pattern": DURATION}),
        ScalarType::Start => json!({
            "type": ["string", "null"],
            "pattern": "^(earliest|latest|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+)$",
        }),
        ScalarType::Address => json!({"type": ["string", "null"], "pattern": "^.+:[0-9]{1,5}$"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_parts;
    use crate::kafka::client::is_secret;

    const SMALLEST: &str =
        "sources: {audit: {bootstrap: \"a:1\"}}\ndestination: {bootstrap: \"b:1\"}\n";

    /// Whether the schema and the reader accept the smallest configuration with these lines.
    fn accept(lines: &str) -> (bool, bool) {
        let text = format!("{SMALLEST}{lines}\n");
        let value: Value = serde_saphyr::from_str(&text).expect("YAML");
        let schema = jsonschema::validator_for(&json_schema()).expect("a schema");
        let read = from_parts(Some(("w.yaml", &text)), &[]);
        (schema.is_valid(&value), read.is_ok())
    }

    #[test]
    fn schema_and_reader_accept_and_refuse_the_same_files() {
        for right in [
            "",
            "rules: /rules",
            "rules: [pack:confluent, /rules]",
            "overrides: {levels: {tag: high}, disabled: [x]}",
            "overrides: {statuses: {tag: test}, group_by: {tag: [api.operation], other: api.operation}}",
            "overrides: {runbooks: {\"pack:confluent\": Ask the owner.}}",
            "commit: {interval: 50ms, records: 5}",
            "transaction_timeout: 15s",
            "delivery: at_least_once",
            "ordinal: 3",
            "log: {format: pretty}",
            "http:",
            "create_topics: true",
            "noise: drop",
            "routes:",
            "routes: [{name: a, to: t}, {name: b, when: {status: Failure}, drop: true}]",
            "routes: [{name: a, to: t, shape: raw, key: none, continue: true}]",
            "routes: [{name: a, to: t, shape: {fields: [time]}}]",
            "routes: [{name: a, to: t, when: orders}]",
            "notify: {x: {type: webhook, url: \"http://x\", min_level: high, timeout: 5s}}",
            "notify: {x: {type: alertmanager, urls: [\"http://x\"], \
             detection: {s: {team: a}, condition: s}}}",
        ] {
            assert_eq!(accept(right), (true, true), "{right}");
        }
        for wrong in [
            "ruels: []",
            "delivery: exactly-once",
            "commit: {interval: soon}",
            "commit: {records: many}",
            "create_topics: perhaps",
            "noise: quiet",
            "routes: {name: a, to: t}",
            "routes: [{name: a}]",
            "routes: [{to: t}]",
            "routes: [{name: noise, to: t}]",
            "routes: [{name: a, to: t, drop: true}]",
            "routes: [{name: a, drop: false}]",
            "routes: [{name: a, to: t, shape: {fields: []}}]",
            "routes: [{name: a, to: t, wen: {}}]",
            "routes: [{name: a, drop: true, shape: lean}]",
            "routes: [{name: a, drop: true, continue: true}]",
            "routes: [{name: a, to: ..}]",
            "routes: [{name: a, to: __x}]",
            "routes: [{name: a, to: t, when: {}}]",
            "routes: [{name: a, to: t, when: []}]",
            "overrides: {levels: {tag: loud}}",
            "overrides: {statuses: {tag: unsupported}}",
            "overrides: {runbooks: {tag: [a]}}",
            "overrides: {group_by: {tag: {a: b}}}",
            "http: {listen: 9464}",
            "log: {format: xml}",
            "log: {level: info}",
            "notify: {x: {type: pager}}",
            "notify: {x: {type: pagerduty, routing_key: HIDDEN}}",
            "notify: {x: {type: webhook, url: \"http://x\", detection: s}}",
            "max_alert_age: long",
        ] {
            assert_eq!(accept(wrong), (false, false), "{wrong}");
        }
        for source in [
            "api_key: HIDDEN",
            "start: soon",
            "on_gap: wait",
            "kafka: {sasl.password: HIDDEN}",
        ] {
            let text = SMALLEST.replace("bootstrap: \"a:1\"", &format!("bootstrap: a, {source}"));
            let value: Value = serde_saphyr::from_str(&text).expect("YAML");
            let schema = jsonschema::validator_for(&json_schema()).expect("a schema");
            assert!(!schema.is_valid(&value), "{source}");
            assert!(from_parts(Some(("w", &text)), &[]).is_err(), "{source}");
        }
    }

    #[test]
    fn every_key_says_what_it_is_for() {
        fn check(keys: &[Key]) {
            for key in keys {
                assert!(key.about.ends_with('.'), "{}", key.name);
                match key.shape {
                    Shape::Section(keys) => check(keys),
                    Shape::Named(keys) => check(keys()),
                    _ => {}
                }
            }
        }
        check(ROOT);
        assert!(SECRETS.iter().all(|name| is_secret(name)));
    }
}
