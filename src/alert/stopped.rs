//! Alerts about watchbell itself: a source or a sink that has stopped while the others go on.

use serde_json::json;

use super::digest;
use super::loss::{BuiltIn, Source, SourceAlert};
use super::suppression::SUPPRESSION_ENDS;
use crate::sigma::Level;

/// A source is no longer read.
pub static SOURCE_STOPPED: BuiltIn = BuiltIn {
    id: "8f0d2c57-3b1e-4e55-9a0c-6b7f4f0a1d23",
    title: "A source has stopped",
    description: "watchbell no longer reads this audit log: to go on by itself would lose or repeat \
                  records. Nothing that happens there raises an alert until somebody decides. Other \
                  sources and all sinks go on.",
    runbook: "Read what was found: it names the partition and the way to go on. If nobody re-created, \
              truncated or moved the audit topic on purpose, take it for an attempt to hide \
              something, and keep the old topic's data where there still is some. Look with \
              watchbell offsets show, then decide where to go on, such as watchbell offsets set \
              --all --to earliest (with --source NAME where there are several; it shows what it \
              would do, --execute does it). watchbell looks every 30 s and goes on by itself: no \
              restart is needed, except after a change of the configuration.",
    level: Level::Critical,
};

/// A sink is no longer notified.
pub static SINK_STOPPED: BuiltIn = BuiltIn {
    id: "d3a6b1e4-52c7-4f8b-8e19-0c4d7a9b6f35",
    title: "A sink has stopped",
    description: "watchbell no longer tells this sink of alerts. They wait in the alerts topic. Other \
                  sinks and all sources go on.",
    runbook: "Read what was found, and repair it. watchbell tries again every 30 s, and then tells \
              the sink of what has waited: no restart is needed, except after a change of the \
              configuration.",
    level: Level::Critical,
};

/// A topic is no longer archived.
pub static ARCHIVE_STOPPED: BuiltIn = BuiltIn {
    id: "5b7c1f0e-9d24-4a63-8f5e-2e61c0a7d948",
    title: "The archive of a topic has stopped",
    description: "watchbell no longer appends the records of this topic to the archive. They wait in \
                  the topic until its retention ends; after that they are in no archive. Everything \
                  else goes on.",
    runbook: "Read what was found, and repair it before the retention of the topic ends. watchbell \
              tries again every 30 s and then archives what has waited: no restart is needed, except \
              after a change of the configuration.",
    level: Level::Critical,
};

/// Why a source, a sink or an archive has stopped.
#[derive(Debug, Clone, Copy)]
pub struct Stopped<'a> {
    /// The reason, as in the metrics.
    pub reason: &'a str,
    /// What was found, and how to go on.
    pub why: &'a str,
    /// What tells this stop from others for the same reason, and is the same wherever it is found.
    pub identity: &'a str,
}

impl<'a> SourceAlert<'a> {
    /// A source is no longer read. Every process that finds the same raises the same alert.
    pub fn source_stopped(source: Source<'a>, stopped: Stopped<'_>) -> SourceAlert<'a> {
        let title = format!("Source {} has stopped: {}", source.name, stopped.reason);
        SourceAlert {
            title,
            evidence: json!({
                "source": source.name,
                "topic": source.topic,
                "reason": stopped.reason,
            }),
            ..SourceAlert::stop(&SOURCE_STOPPED, source, stopped)
        }
    }

    /// A sink, which reads this topic of alerts, is no longer notified.
    pub fn sink_stopped(sink: &'a str, alerts: &'a str, stopped: Stopped<'_>) -> SourceAlert<'a> {
        let source = Source {
            name: sink,
            topic: alerts,
        };
        SourceAlert {
            title: format!("Sink {sink} has stopped: {}", stopped.reason),
            evidence: json!({"sink": sink, "topic": alerts, "reason": stopped.reason}),
            ..SourceAlert::stop(&SINK_STOPPED, source, stopped)
        }
    }

    /// A topic is no longer archived.
    pub fn archive_stopped(topic: &'a str, stopped: Stopped<'_>) -> SourceAlert<'a> {
        let source = Source { name: topic, topic };
        SourceAlert {
            title: format!("The archive of {topic} has stopped: {}", stopped.reason),
            evidence: json!({"topic": topic, "reason": stopped.reason}),
            ..SourceAlert::stop(&ARCHIVE_STOPPED, source, stopped)
        }
    }

    fn stop(rule: &'static BuiltIn, of: Source<'a>, stopped: Stopped<'_>) -> SourceAlert<'a> {
        let reason = stopped.reason;
        SourceAlert {
            why: stopped.why.to_owned(),
            // One incident for each reason, however many partitions and processes find it.
            group_key: digest(&[rule.id, of.name, reason]),
            ..SourceAlert::new(rule, of, &[reason, stopped.identity])
        }
    }

    /// What the alert's resource is.
    pub fn resource_type(&self) -> &'static str {
        match self.rule.id {
            id if id == SINK_STOPPED.id => "Sink",
            id if id == ARCHIVE_STOPPED.id => "Topic",
            id if id == SUPPRESSION_ENDS.id => "Suppression",
            _ => "Audit log",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source<'_> = Source {
        name: "confluent",
        topic: "audit",
    };

    fn stopped(
        reason: &'static str,
        identity: &'static str,
        why: &'static str,
    ) -> Stopped<'static> {
        Stopped {
            reason,
            why,
            identity,
        }
    }

    #[test]
    fn the_same_stop_is_the_same_alert_whatever_has_changed_around_it_since() {
        let one = stopped("past_end", "3@100", "past its end 7");
        let one = SourceAlert::source_stopped(SOURCE, one);
        let later = stopped("past_end", "3@100", "past its end 9");
        let later = SourceAlert::source_stopped(SOURCE, later);
        assert_eq!((&one.uid, &one.group_key), (&later.uid, &later.group_key));
        assert_eq!(one.title, "Source confluent has stopped: past_end");
        assert_eq!(one.why, "past its end 7");
        assert_eq!(one.rule.level, Level::Critical);
    }

    #[test]
    fn stops_of_a_source_for_one_reason_are_one_group() {
        let of =
            |reason, identity| SourceAlert::source_stopped(SOURCE, stopped(reason, identity, ""));
        let one = of("past_end", "3@100");
        let partition = of("past_end", "2@100");
        assert_ne!(one.uid, partition.uid);
        assert_eq!(one.group_key, partition.group_key);
        let reason = of("another_record", "3@100");
        assert_ne!(one.group_key, reason.group_key);
        let sink =
            SourceAlert::sink_stopped("confluent", "audit", stopped("past_end", "3@100", ""));
        assert_ne!(one.group_key, sink.group_key);
        assert_eq!(sink.resource_type(), "Sink");
    }
}
