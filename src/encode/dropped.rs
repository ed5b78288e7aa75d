//! The totals of a day: how many events were dropped, and why, as an OCSF event of the class Base Event.

use super::OCSF_VERSION;
use crate::json::Object;

/// What was dropped of one partition in one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedTotals {
    /// The first millisecond of the day, UTC, since the Unix epoch.
    pub start_ms: i64,
    /// The last one.
    pub end_ms: i64,
    /// By reason; no reason without a record.
    pub counts: Vec<DroppedCount>,
}

/// What was dropped for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedCount {
    /// One of the kinds of noise, or `route`.
    pub reason: &'static str,
    /// Events.
    pub records: u64,
    /// Bytes of the values of their source records.
    pub bytes: u64,
}

/// Appends the totals as one JSON object. `uid` is the same whenever they are written again; `place` is the source and
/// its partition.
pub fn dropped(totals: &DroppedTotals, uid: &str, place: (&str, &str, i32), out: &mut Vec<u8>) {
    let (source, topic, partition) = place;
    let sum = |of: fn(&DroppedCount) -> u64| totals.counts.iter().map(of).sum::<u64>();
    let int = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (records, bytes) = (sum(|count| count.records), sum(|count| count.bytes));
    Object::write(out, |o| {
        o.int("class_uid", 0);
        o.word("class_name", "Base Event");
        o.int("category_uid", 0);
        o.word("category_name", "Uncategorized");
        o.int("activity_id", 99);
        o.word("activity_name", "Dropped");
        o.int("type_uid", 99);
        o.int("severity_id", 1);
        o.word("severity", "Informational");
        o.int("time", totals.end_ms);
        o.int("start_time", totals.start_ms);
        o.int("end_time", totals.end_ms);
        o.int("count", int(records));
        let message = format!(
            "{records} events of {source}, partition {partition}, were not written: {bytes} bytes"
        );
        o.text("message", &message);
        o.object("metadata", |o| {
            o.word("version", OCSF_VERSION);
            o.object("product", |o| {
                o.word("name", "watchbell");
                o.word("vendor_name", "watchbell");
            });
            o.word("log_name", "watchbell");
            o.text("uid", uid);
        });
        o.object("unmapped", |o| {
            o.object("source", |o| {
                o.text("name", source);
                o.text("topic", topic);
                o.int("partition", partition.into());
            });
            o.objects("dropped", &totals.counts, |count, o| {
                o.word("reason", count.reason);
                o.int("records", int(count.records));
                o.int("bytes", int(count.bytes));
            });
        });
    });
}
