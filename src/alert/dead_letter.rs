//! Alerts about records that became dead letters: no rule has looked at what is in them, so their
//! bytes are searched for names of methods instead.

use serde_json::json;

use super::digest;
use super::loss::{BuiltIn, Source, SourceAlert};
use crate::catalog::Sensitivity;
use crate::event::RawRecord;
use crate::printable::shorten;
use crate::sigma::Level;

/// Most characters of a dead letter's detail.
const MAX_DETAIL: usize = 300;

/// Most methods that are listed.
const MAX_METHODS: usize = 10;

/// A record became a dead letter.
pub static DEAD_LETTER: BuiltIn = BuiltIn {
    id: "3f2b8c61-5d0e-4a7a-9c1f-8e6d27b4a053",
    title: "Audit record became a dead letter",
    description: "A record could not be read as an audit event, or its event could not be written. \
                  It is kept as it came, in the topic of dead letters. Unless an alert of a rule \
                  came with this one, no rule has looked at what happened in it.",
    runbook: "Look at the record: watchbell show with its position, or watchbell tail \
              dead-letters. More of them with the same reason follow as a digest: then the \
              producer, or what stands between it and watchbell, writes something else than \
              audit events. A record that is repaired, or that another version or configuration \
              reads, becomes its event with watchbell dead-letters retry.",
    level: Level::Medium,
};

/// The same of a record that names a method of high sensitivity.
pub static SENSITIVE_DEAD_LETTER: BuiltIn = BuiltIn {
    id: "b7d4e0f9-61c2-4f38-a5be-2c90d7135e8a",
    title: "Dead letter names a highly sensitive method",
    description: "A record that could not be read as an audit event, or whose event could not be \
                  written, has the name of a method in it that destroys something, opens access or \
                  touches a credential. Unless an alert of a rule came with this one, no rule has \
                  looked at what happened in it: it may be such an operation, and somebody may \
                  have made it unreadable on purpose.",
    runbook: "Take it for the operation that it names until you know better. Look at the record: \
              watchbell show with its position, or watchbell tail dead-letters. Then look at the \
              resource itself, and ask whoever is named in the record. Once it can be read, \
              watchbell dead-letters retry puts it before the rules.",
    level: Level::Critical,
};

impl<'a> SourceAlert<'a> {
    /// A record became a dead letter, for this reason, with this detail for a person. `methods` are
    /// those that are named in it, the most sensitive first. The commands that show it are given where
    /// it `is_stored` in Kafka, as that of a replayed file is not.
    pub fn dead_letter(
        source: &'a str,
        record: &RawRecord<'a>,
        (reason, detail): (&str, &str),
        methods: &[(&str, Sensitivity)],
        is_stored: bool,
    ) -> SourceAlert<'a> {
        let position = record.position;
        let (partition, offset) = (position.partition, position.offset);
        let is_sensitive =
            |(_, sensitivity): &&(&str, Sensitivity)| *sensitivity == Sensitivity::High;
        let sensitive: Vec<&str> = methods
            .iter()
            .filter(is_sensitive)
            .map(|(name, _)| *name)
            .collect();
        let rule = match sensitive.as_slice() {
            [] => &DEAD_LETTER,
            _ => &SENSITIVE_DEAD_LETTER,
        };
        let place = position.reference();
        let detail = shorten(detail, MAX_DETAIL);
        let names: Vec<&str> = methods.iter().map(|(name, _)| *name).collect();
        let mut why = format!("{reason}: {detail}; the record is {place}");
        if is_stored {
            why.push_str(&format!(" (watchbell show {place})"));
        }
        if !names.is_empty() {
            why.push_str(&format!("; it names {}", listed(&names)));
        }
        let mut evidence = json!({
            "source": source,
            "topic": position.topic,
            "partition": partition.0,
            "offset": offset.0,
            "reason": reason,
            "detail": detail,
            "methods": &names[..names.len().min(MAX_METHODS)],
        });
        if is_stored {
            let filter = format!("--filter 'watchbell-reason: {reason}'");
            evidence["show"] = format!("watchbell show {place}").into();
            evidence["tail"] = format!("watchbell tail dead-letters {filter}").into();
        }
        let source = Source {
            name: source,
            topic: position.topic,
        };
        let parts = [&partition.0.to_string(), &offset.0.to_string(), reason];
        SourceAlert {
            title: match sensitive.as_slice() {
                [] => format!("A record of {} became a dead letter: {reason}", source.name),
                names => format!(
                    "A record of {} that names {} became a dead letter: {reason}",
                    source.name,
                    listed(names)
                ),
            },
            why,
            evidence,
            partition: Some(partition),
            time_ms: record.timestamp_ms,
            group_key: digest(&[rule.id, reason, source.name]),
            ..SourceAlert::new(rule, source, &parts)
        }
    }
}

/// `A, B and 3 more`.
fn listed(names: &[&str]) -> String {
    let shown = &names[..names.len().min(3)];
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Offset, Partition, Position};

    fn record(topic: &str, offset: i64) -> RawRecord<'_> {
        RawRecord {
            position: Position {
                topic,
                partition: Partition(3),
                offset: Offset(offset),
                element: None,
            },
            timestamp_ms: Some(1_773_480_414_000),
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    const WHY: (&str, &str) = ("not_json", "expected a value");

    #[test]
    fn it_says_which_record_why_and_what_it_names() {
        let methods = [
            ("DeleteKafkaCluster", Sensitivity::High),
            ("GetKafkaCluster", Sensitivity::Low),
        ];
        let record = record("audit", 42);
        let alert = SourceAlert::dead_letter("confluent", &record, WHY, &methods, true);
        assert_eq!(alert.rule, &SENSITIVE_DEAD_LETTER);
        assert_eq!(
            alert.title,
            "A record of confluent that names DeleteKafkaCluster became a dead letter: not_json"
        );
        assert_eq!(
            alert.why,
            "not_json: expected a value; the record is audit/3@42 (watchbell show audit/3@42); it \
             names DeleteKafkaCluster, GetKafkaCluster"
        );
        assert_eq!(alert.time_ms, Some(1_773_480_414_000));
        let harmless = SourceAlert::dead_letter("confluent", &record, WHY, &methods[1..], false);
        assert_eq!(harmless.rule, &DEAD_LETTER);
        // Nothing shows what stands in a file.
        assert!(alert.evidence.to_string().contains("watchbell show"));
        let said = format!("{}{}", harmless.why, harmless.evidence);
        assert!(!said.contains("watchbell show"), "{said}");
        assert_eq!(
            harmless.title,
            "A record of confluent became a dead letter: not_json"
        );
    }

    #[test]
    fn a_record_is_one_alert_and_a_reason_of_a_source_one_group() {
        let alert = |source, topic, offset, reason| {
            let record = record(topic, offset);
            let alert = SourceAlert::dead_letter(source, &record, (reason, ""), &[], true);
            (alert.uid, alert.group_key)
        };
        let known = alert("s", "t", 1, "empty");
        assert_eq!(alert("s", "t", 1, "empty"), known);
        let next = alert("s", "t", 2, "empty");
        assert_ne!(next.0, known.0);
        assert_eq!(next.1, known.1);
        for other in [alert("s", "t", 1, "not_json"), alert("x", "t", 1, "empty")] {
            assert_ne!(other.0, known.0);
            assert_ne!(other.1, known.1);
        }
    }

    #[test]
    fn it_is_of_bounded_length_whatever_the_record_holds() {
        let methods = vec![("DeleteKafkaCluster", Sensitivity::High); 500];
        let detail = "x".repeat(1_000_000);
        let record = record("audit", 1);
        let alert = SourceAlert::dead_letter("s", &record, ("not_json", &detail), &methods, true);
        assert!(alert.title.len() + alert.why.len() < 1_000);
        assert!(alert.evidence.to_string().len() < 1_500);
    }
}
