//! CloudEvents 1.0 binary mode (Kafka protocol binding): attributes as `ce_` headers.

use std::borrow::Cow;

use super::SCHEMA_VERSION;

/// Headers of an event or alert of ours. `rule_set` is the hash of the rules it was held against.
pub fn headers(
    id: &str,
    source: &str,
    kind: &str,
    subject: Option<&str>,
    rule_set: &str,
) -> Vec<(Cow<'static, str>, Option<Vec<u8>>)> {
    let mut headers: Vec<(&'static str, &str)> = vec![
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", source),
        ("ce_type", kind),
    ];
    headers.extend(subject.map(|subject| ("ce_subject", subject)));
    headers.push(("ce_watchbellruleset", rule_set));
    headers.push(("ce_watchbellschema", SCHEMA_VERSION));
    headers
        .into_iter()
        .map(|(name, value)| (name.into(), Some(value.into())))
        .collect()
}
