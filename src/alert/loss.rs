//! Alerts of watchbell's own: audit records that nobody will read, and positions that were lost.
//! They have neither an event nor a rule of a pack: their rules are built in, with ids that never
//! change.

use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::digest;
use crate::event::{NextOffset, Offset, Partition};
use crate::sigma::Level;

/// A rule that is a part of watchbell.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// As rules have it; sinks route by it, as `rule.id`.
    pub id: &'static str,
    /// What is detected.
    pub title: &'static str,
    /// What that means.
    pub description: &'static str,
    /// What to do.
    pub runbook: &'static str,
    /// How much it matters.
    pub level: Level,
}

/// Records had expired before they were read.
pub static RECORDS_EXPIRED: BuiltIn = BuiltIn {
    id: "5c5a4cb2-9a3e-4b0e-8d53-6f1d0e7a2c94",
    title: "Audit records expired before they were read",
    description: "The source's retention deleted audit records that watchbell had not read: what \
                  happened in them was neither normalized nor looked at by any rule. The number \
                  is an upper bound, since markers of transactions and compacted records count.",
    runbook: "Look for these records where else the audit log is kept, and look at what happened \
              then by other means. Find out what kept watchbell from reading: its log, \
              watchbell_lag_seconds, watchbell offsets show. If nobody stopped it on purpose, \
              take the hole for an attempt to hide something. Then lengthen the topic's \
              retention, or alert on the lag.",
    level: Level::High,
};

/// The group had no positions although it had some before.
pub static POSITIONS_LOST: BuiltIn = BuiltIn {
    id: "c1d1f3a8-7e0b-4f43-9b62-2f8f5f0d9e17",
    title: "Positions were lost",
    description: "The consumer group that holds watchbell's positions was deleted, or had no \
                  members for longer than offsets.retention.minutes. Reading goes on from the \
                  positions last noted elsewhere.",
    runbook: "Find out who deleted the group, or why watchbell did not run. Nothing has to be \
              repaired: after a clean end nothing is written twice, after a crash at most the \
              last minute is. Records that have expired meanwhile are an alert of their own.",
    level: Level::High,
};

/// Records exist and cannot be read.
pub static RECORDS_UNREADABLE: BuiltIn = BuiltIn {
    id: "2bdeb38a-e1b8-465c-ad77-07d51b755b42",
    title: "Audit records cannot be read",
    description: "A partition of the source holds records whose stored form is damaged: checksums do \
                  not hold, or what is compressed cannot be decompressed. Reading that partition has \
                  stopped before them, so that nothing behind them is normalized or looked at by any \
                  rule either. The other partitions go on.",
    runbook: "Find out whether a disk failed or somebody changed the files of the topic: damage to an \
              audit log can be an attempt to hide something. Make a replica that is sound the leader \
              of the partition; watchbell then goes on by itself. Where there is none, keep a copy of \
              the segment, look at what happened then by other means, stop watchbell, and step over \
              the damaged records with the command that this alert and /readyz give.",
    level: Level::Critical,
};

/// A source of audit records.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Its topic.
    pub topic: &'a str,
}

/// An alert about a source as a whole.
#[derive(Debug)]
pub struct SourceAlert<'a> {
    /// Why there is one.
    pub rule: &'static BuiltIn,
    /// Of what.
    pub source: Source<'a>,
    /// The partition, where it is about one.
    pub partition: Option<Partition>,
    /// Idempotency key: the same loss gives the same one.
    pub uid: String,
    /// What belongs together: all losses of a source of one kind.
    pub group_key: String,
    /// One line: what was lost.
    pub title: String,
    /// What was found.
    pub why: String,
    /// The same for machines.
    pub evidence: Value,
    /// When it happened, in ms since the Unix epoch; `None` where only its finding is known.
    pub time_ms: Option<i64>,
}

impl<'a> SourceAlert<'a> {
    /// The records between two offsets of a partition were gone before they were read. `records` says how
    /// many; `None` if offsets jump there, so that nobody knows.
    pub fn expired(
        source: Source<'a>,
        partition: Partition,
        (from, to): (NextOffset, NextOffset),
        records: Option<u64>,
    ) -> SourceAlert<'a> {
        let number = partition.0;
        let (what, verb) = match records {
            Some(1) => ("1 audit record".to_owned(), "it was"),
            Some(count) => (format!("{} audit records", grouped(count)), "they were"),
            None => ("Audit records".to_owned(), "they were"),
        };
        let unknown = match records {
            Some(_) => "",
            None => {
                "; offsets of this source jump, so that their distance is no number of records, and there \
                 may have been none"
            }
        };
        SourceAlert {
            title: format!(
                "{what} of {}/partition {number} expired before {verb} read",
                source.name
            ),
            why: format!(
                "partition {number} was to be read from offset {}, and its oldest record has offset \
                 {}{unknown}",
                from.0, to.0
            ),
            evidence: json!({
                "source": source.name,
                "topic": source.topic,
                "partition": number,
                "from_offset": from.0,
                "to_offset": to.0,
                "records": records,
            }),
            partition: Some(partition),
            ..SourceAlert::new(
                &RECORDS_EXPIRED,
                source,
                &[&number.to_string(), &from.0.to_string(), &to.0.to_string()],
            )
        }
    }

    /// The records of a partition cannot be read from an offset on. Reading goes on at `past` for
    /// whoever gives them up. The same offset is the same alert.
    pub fn unreadable(
        source: Source<'a>,
        partition: Partition,
        offset: Offset,
        past: NextOffset,
        detail: &str,
    ) -> SourceAlert<'a> {
        let (number, name) = (partition.0, source.name);
        SourceAlert {
            title: format!(
                "Audit records of {name}/partition {number} cannot be read from offset {} on",
                offset.0
            ),
            why: format!("the record at offset {} is damaged: {detail}", offset.0),
            evidence: json!({
                "source": name,
                "topic": source.topic,
                "partition": number,
                "offset": offset.0,
                "error": detail,
                "way_past": format!(
                    "watchbell offsets set --source {name} --partition {number} --to {} --execute",
                    past.0
                ),
            }),
            partition: Some(partition),
            ..SourceAlert::new(
                &RECORDS_UNREADABLE,
                source,
                &[&number.to_string(), &offset.0.to_string()],
            )
        }
    }

    /// The group had lost these positions, and goes on from them.
    pub fn positions_lost(
        source: Source<'a>,
        group: &str,
        noted: &BTreeMap<Partition, NextOffset>,
    ) -> SourceAlert<'a> {
        let positions: BTreeMap<i32, i64> = noted.iter().map(|(of, next)| (of.0, next.0)).collect();
        let list: Vec<String> = positions
            .iter()
            .map(|(of, next)| format!("{of}@{next}"))
            .collect();
        let (count, noun) = match list.len() {
            1 => (1, "partition"),
            count => (count, "partitions"),
        };
        SourceAlert {
            title: format!(
                "The positions of {count} {noun} of {} were lost",
                source.name
            ),
            why: format!("the group {group} has no positions, but notes of them exist"),
            evidence: json!({
                "source": source.name,
                "topic": source.topic,
                "group": group,
                "noted_positions": positions,
            }),
            ..SourceAlert::new(&POSITIONS_LOST, source, &[group, &list.join(",")])
        }
    }

    pub(super) fn new(
        rule: &'static BuiltIn,
        source: Source<'a>,
        what: &[&str],
    ) -> SourceAlert<'a> {
        let parts = [&[rule.id, source.name, source.topic], what].concat();
        SourceAlert {
            rule,
            source,
            partition: None,
            uid: digest(&parts),
            group_key: digest(&[rule.id, source.name]),
            title: String::new(),
            why: String::new(),
            evidence: Value::Null,
            time_ms: None,
        }
    }

    /// What the alert is about, in the words of the source's cluster: `topic` or `topic/partition`.
    pub fn place(&self) -> String {
        match self.partition {
            Some(partition) => format!("{}/{}", self.source.topic, partition.0),
            None => self.source.topic.to_owned(),
        }
    }
}

/// `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source<'_> = Source {
        name: "confluent",
        topic: "audit",
    };

    fn expired(partition: i32, from: i64, to: i64) -> SourceAlert<'static> {
        let offsets = (NextOffset(from), NextOffset(to));
        let records = u64::try_from(to - from).ok();
        SourceAlert::expired(SOURCE, Partition(partition), offsets, records)
    }

    #[test]
    fn the_title_counts_what_is_missing() {
        assert_eq!(
            expired(3, 5, 12_350).title,
            "12,345 audit records of confluent/partition 3 expired before they were read"
        );
        assert_eq!(
            expired(0, 7, 8).title,
            "1 audit record of confluent/partition 0 expired before it was read"
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(100), "100");
        let offsets = (NextOffset(5), NextOffset(12_350));
        let uncounted = SourceAlert::expired(SOURCE, Partition(3), offsets, None);
        assert_eq!(
            uncounted.title,
            "Audit records of confluent/partition 3 expired before they were read"
        );
        assert!(uncounted.why.contains("no number of records"));
        assert_eq!(uncounted.evidence["records"], Value::Null);
        assert_eq!(uncounted.uid, expired(3, 5, 12_350).uid);
    }

    #[test]
    fn the_same_gap_is_the_same_alert_and_another_is_not() {
        let one = expired(3, 5, 9);
        assert_eq!(one.uid, expired(3, 5, 9).uid);
        for other in [expired(2, 5, 9), expired(3, 4, 9), expired(3, 5, 10)] {
            assert_ne!(one.uid, other.uid);
            assert_eq!(one.group_key, other.group_key, "one group for a source");
        }
        let elsewhere = Source {
            name: "other",
            ..SOURCE
        };
        let offsets = (NextOffset(5), NextOffset(9));
        let other = SourceAlert::expired(elsewhere, Partition(3), offsets, Some(4));
        assert_ne!(one.uid, other.uid);
        assert_ne!(one.group_key, other.group_key);
    }

    #[test]
    fn records_that_cannot_be_read_are_one_alert_for_a_place_and_say_the_way_past() {
        let of = |partition, offset, past, detail| {
            let past = NextOffset(past);
            SourceAlert::unreadable(SOURCE, Partition(partition), Offset(offset), past, detail)
        };
        let alert = of(3, 41, 48, "bad checksum");
        assert_eq!(
            alert.title,
            "Audit records of confluent/partition 3 cannot be read from offset 41 on"
        );
        assert_eq!(
            alert.evidence["way_past"],
            "watchbell offsets set --source confluent --partition 3 --to 48 --execute"
        );
        assert_eq!(alert.uid, of(3, 41, 42, "bad compression").uid);
        assert_ne!(alert.uid, of(3, 48, 49, "bad checksum").uid);
        assert_ne!(alert.uid, of(2, 41, 48, "bad checksum").uid);
    }

    #[test]
    fn lost_positions_are_listed_and_belong_to_their_group() {
        let noted = BTreeMap::from([
            (Partition(0), NextOffset(5)),
            (Partition(10), NextOffset(7)),
        ]);
        let lost = |group| SourceAlert::positions_lost(SOURCE, group, &noted);
        let alert = lost("watchbell");
        assert_eq!(
            alert.title,
            "The positions of 2 partitions of confluent were lost"
        );
        assert_eq!(alert.evidence["noted_positions"], json!({"0": 5, "10": 7}));
        assert_eq!(alert.place(), "audit");
        assert_ne!(alert.uid, lost("another").uid);
    }
}
