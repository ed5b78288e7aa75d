//! What becomes of dead letters, without a cluster: which are retried, which wait, which stay.

use std::sync::Arc;

use jiff::Timestamp;

use super::fate::{Became, Counts, Fate};
use super::ledger::RetryLedger;
use super::pipelines::Pipelines;
use super::plan::Retry;
use super::work::Work;
use crate::config::{self, Config};
use crate::encode::{self, DeadLetter, Receipt};
use crate::event::{Offset, OutputRecord, Partition, Position, RawRecord};
use crate::kafka::session::Shutdown;
use crate::pipeline::{Content, Pipeline};
use crate::query::{DeadLetterChoice, Obstacle, Receipts};
use crate::roles::rulebook::Rulebook;
use crate::view::At;

const EVENT: &[u8] = br#"{"specversion":"1.0","id":"an-id","source":"crn://confluent.cloud/",
    "type":"io.confluent.kafka.server/request","data":{"serviceName":"crn://confluent.cloud/",
    "methodName":"kafka.DeleteTopics","result":{"status":"SUCCESS"}}}"#;

fn deployment() -> (Config, Pipeline) {
    let text = "sources: {audit: {bootstrap: \"127.0.0.1:1\", topic: audit}}\n\
                destination: {bootstrap: \"127.0.0.1:1\"}\ntopics: {dead_letters: dead}\n";
    let config = config::from_parts(Some(("test", text)), &[]).unwrap();
    let rulebook = Rulebook::load(&config.config).unwrap();
    let outputs = config.config.outputs.clone().limited(|_| 1_000_000);
    let pipeline = rulebook.pipeline(&config.config, outputs);
    (config.config, pipeline)
}

/// A record of the topic of dead letters at an offset.
fn at(offset: i64, record: &OutputRecord) -> RawRecord<'_> {
    RawRecord {
        position: Position {
            topic: &record.topic,
            partition: Partition(0),
            offset: Offset(offset),
            element: None,
        },
        timestamp_ms: Some(1_790_000_000_000),
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: record.borrowed_headers().collect(),
    }
}

fn letter(reason: &str, value: &[u8]) -> OutputRecord {
    let mut source = RawRecord::of_value("audit", value);
    source.position.offset = Offset(42);
    let why = DeadLetter {
        reason,
        detail: "detail",
        max_bytes: 1_000_000,
        cut: reason == "not_utf8",
        sealed: false,
        unread: None,
        output: None,
        origin: None,
    };
    encode::dead_letter(&source, &Arc::from("dead"), why)
}

/// Retries the chosen ones of these records, at most so many; what was told, the numbers, and what is missing.
fn retried(
    records: &[OutputRecord],
    choice: &DeadLetterChoice,
    limit: Option<usize>,
) -> (Vec<(i64, Fate)>, Counts, Vec<At>) {
    let (config, pipeline) = deployment();
    let stop = Shutdown::default();
    let retry = Retry {
        config: &config,
        pipeline: &pipeline,
        appender: None,
        choice,
        repaired: None,
        limit,
        now: Timestamp::from_millisecond(1_790_000_100_000).unwrap(),
        stop: &stop,
        note: &|_| {},
    };
    let records = || {
        (0..)
            .zip(records)
            .map(|(offset, record)| at(offset, record))
    };
    let mut receipts = Receipts::default();
    records().for_each(|record| receipts.note(&record));
    let ledger = RetryLedger::new(&config, pipeline.outputs().clone());
    let mut told = Vec::new();
    let mut tell = |at: &At, fate: &Fate| {
        told.push((at.offset, fate.clone()));
        Ok(())
    };
    let pipelines = Pipelines::new(&pipeline, ledger);
    let mut work = Work::new(&retry, pipelines, &receipts, &mut tell);
    for record in records() {
        assert!(work.take(&record).is_continue());
    }
    let summary = work.finish(Ok(()));
    summary.ended.unwrap();
    (told, summary.counts, summary.missing)
}

fn records() -> Vec<OutputRecord> {
    let of_first = RawRecord::of_value("dead", b"").position;
    let receipt = encode::receipt(&Receipt {
        letter: of_first,
        outputs: 1,
        repaired: None,
    });
    vec![
        letter("unrecognized", EVENT),
        letter("unrecognized", EVENT),
        letter("not_json", b"{"),
        letter("not_utf8", b"\xff"),
        letter("unrecognized", EVENT),
        receipt,
    ]
}

/// What a deleted topic becomes: its event, and the alert of a rule.
fn became() -> Fate {
    let (config, _) = deployment();
    let topics = [Content::Events, Content::Alerts].map(|content| {
        let topic = &config.outputs.of(content).topic;
        (topic.to_string(), 1)
    });
    Fate::Retried(Became {
        topics: topics.into(),
        parts: Vec::new(),
    })
}

#[test]
fn all_that_can_be_read_is_retried_once_and_the_rest_says_why_it_stays() {
    let (told, counts, missing) = retried(&records(), &DeadLetterChoice::default(), None);
    let offsets: Vec<i64> = told.iter().map(|(offset, _)| *offset).collect();
    // What was retried before is not told where all are chosen; what is written comes with its transaction.
    assert_eq!(offsets, [2, 3, 1, 4], "{told:?}");
    assert!(
        matches!(&told[0].1, Fate::Stays(why) if why.starts_with("not_json: ")),
        "{told:?}"
    );
    assert_eq!(told[1].1, Fate::Blocked(Obstacle::Cut));
    assert_eq!((&told[2].1, &told[3].1), (&became(), &became()));
    let expected = Counts {
        retried: 2,
        before: 1,
        left: 2,
        parts: 0,
        waiting: 0,
    };
    assert_eq!((counts, missing), (expected, Vec::new()));
}

#[test]
fn after_the_limit_those_that_could_be_retried_are_counted_and_wait() {
    let (told, counts, _) = retried(&records(), &DeadLetterChoice::default(), Some(1));
    let offsets: Vec<i64> = told.iter().map(|(offset, _)| *offset).collect();
    // One that cannot be retried does not wait for another call.
    assert_eq!(offsets, [3, 1], "{told:?}");
    assert_eq!((counts.retried, counts.before), (1, 1));
    assert_eq!((counts.left, counts.waiting), (1, 2));
}

#[test]
fn of_chosen_positions_each_is_told_and_what_is_not_there_is_missing() {
    let positions = ["dead/0@0", "dead/0@4", "dead/0@9"].map(|text| text.parse().unwrap());
    let choice = DeadLetterChoice {
        positions: positions.into(),
        ..DeadLetterChoice::default()
    };
    let (told, counts, missing) = retried(&records(), &choice, Some(10));
    let before = Fate::Before(Some(1_790_000_000_000));
    assert_eq!(told, [(0, before), (4, became())]);
    assert_eq!((counts.retried, counts.before, counts.left), (1, 1, 0));
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["dead/0@9"]);
}
