//! Explains an event that is in the topics: the record itself, the events that raised an alert, or the one that the
//! alert contains.

use std::io::Write;

use anyhow::anyhow;
use jiff::Timestamp;

use super::count::Count;
use super::rule::RuleUnderTest;
use crate::cli::failure::Failure;
use crate::cli::signals::shutdown_on_signal;
use crate::cli::terminal::{self, Progress};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::query::{PastTime, Query};
use crate::sigma::{Engine, LogsourceDetection};
use crate::view::{Emitted, FieldPath, Paint, RecordKind, Reference, line, rule_outcome};

/// Finds the record by its id or position, and appends what the rule answers for it.
pub(super) fn explain(
    (event, since): (&str, Option<PastTime>),
    config: &Config,
    rule: &RuleUnderTest,
    out: &mut dyn Write,
) -> Result<Count, Failure> {
    let explainer = StoredExplainer::new(rule)?;
    let Ok(reference) = event.parse::<Reference>();
    let stop = shutdown_on_signal()?;
    let progress = Progress::new();
    let query = Query {
        config,
        since,
        now: Timestamp::now(),
        stop: &stop,
        report: &|report| progress.report(report),
    };
    let found = query.find(&reference)?;
    let behind = query.events_behind(&Emitted::new(found.record()))?;
    drop(progress);
    let mut count = Count::default();
    let (text, paint) = (&mut String::new(), terminal::paint());
    for stored in std::iter::once(&found).chain(&behind) {
        explainer.explain(&Emitted::new(stored.record()), paint, text, &mut count);
    }
    out.write_all(text.as_bytes())?;
    match count.events {
        0 => Err(anyhow!("{event} is no event, and no event belongs to it").into()),
        _ => Ok(count),
    }
}

/// One rule, compiled for events as watchbell writes them.
struct StoredExplainer<'r> {
    rule: &'r RuleUnderTest,
    engine: Engine<FieldPath>,
}

impl<'r> StoredExplainer<'r> {
    fn new(rule: &'r RuleUnderTest) -> Result<StoredExplainer<'r>, Failure> {
        let loaded = rule.rule();
        let target = LogsourceDetection {
            logsource: &loaded.rule.logsource,
            detection: &loaded.rule.detection,
        };
        let resolve = |name: &str| FieldPath::parse(RecordKind::Event, name);
        let engine = Engine::compile([target], &resolve).map_err(|problems| {
            let problems = problems.into_iter().map(|(_, problem)| Diagnostic {
                file: loaded.file.clone(),
                problem,
            });
            Failure::configuration(problems)
        })?;
        Ok(StoredExplainer { rule, engine })
    }

    /// Appends the record as a line and, if it is or contains an event, what the rule answers for that.
    fn explain(&self, record: &Emitted<'_>, paint: Paint, text: &mut String, count: &mut Count) {
        text.push_str(&format!("{}\n", line(record, paint)));
        let event = record.event();
        let event = event.map(|event| Emitted::value(event.json().as_bytes()));
        let detection = &self.rule.rule().rule.detection;
        let outcome = event.and_then(|event| self.engine.outcome(0, detection, &event));
        if let Some(outcome) = outcome {
            text.push_str(&rule_outcome(&outcome, 2, paint));
            count.add(&outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::RuleFiles;
    use super::*;
    use crate::cli::shipped::Shipped;
    use crate::event::{OutputBuffer, RawRecord};
    use crate::pipeline::Lookups;

    const DELETION: &str = r#"{"specversion":"1.0","id":"b4","source":"crn://confluent.cloud/",
        "type":"io.confluent.cloud/request","data":{"methodName":"DeleteKafkaCluster",
        "serviceName":"crn://confluent.cloud/","result":{"status":"SUCCESS"}}}"#;

    /// The text for the event, for the alert, and for a dead letter.
    fn explained(rule: &str) -> Vec<(String, usize, usize)> {
        let rule = RuleUnderTest::load(rule, &RuleFiles::default()).unwrap();
        let explainer = StoredExplainer::new(&rule).unwrap();
        let batch = Shipped::load()
            .unwrap()
            .pipeline(Lookups::default())
            .begin();
        let mut out = OutputBuffer::default();
        for value in [DELETION, "{"] {
            let record = RawRecord::of_value("audit", value.as_bytes());
            batch.process(&record, 1_800_000_000_000, &mut out);
        }
        let values = out.iter().take(3).map(|output| {
            let (mut text, mut count) = (String::new(), Count::default());
            let record = Emitted::value(output.value.unwrap());
            explainer.explain(&record, Paint::PLAIN, &mut text, &mut count);
            let tree = text.split_once('\n').unwrap().1.to_owned();
            (tree, count.events, count.matches)
        });
        values.collect()
    }

    #[test]
    fn an_event_and_the_alert_that_contains_it_are_explained_as_when_the_rule_saw_it() {
        let [event, alert, letter] = &explained("Kafka cluster deleted")[..] else {
            panic!("an event, an alert and a dead letter are expected");
        };
        assert_eq!((event.1, event.2), (1, 1));
        assert!(event.0.starts_with("  the rule matches\n"), "{}", event.0);
        let line = "api.operation: DeleteKafkaCluster  (the event has DeleteKafkaCluster)";
        assert!(event.0.contains(line), "{}", event.0);
        assert_eq!(alert, event);
        assert_eq!(*letter, (String::new(), 0, 0));
        let other = explained("Environment deleted");
        let near_miss = "  the rule would match but for `deletion`\n";
        assert!(other[0].0.starts_with(near_miss), "{}", other[0].0);
        assert_eq!((other[0].1, other[0].2), (1, 0));
    }
}
