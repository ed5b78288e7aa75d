//! An archive with a ledger, as ingest and the role `archive` write it: the sources `one` and `two`, read on the day
//! before this one. Somebody has changed an event of `two` since.

use std::collections::BTreeMap;
use std::path::Path;

use watchbell::archive::{
    Advance, Progress, Rows, Storage, Table, TableKind, TopicPartition, data_files, day_of,
    day_text,
};
use watchbell::event::{Header, NextOffset, Offset, Partition, Position, RawRecord};
use watchbell::ledger::{Bounds, Chain, Fates, OutputEntry, Run, output_hash};
use watchbell::view::Emitted;

const DAY_MS: i64 = 86_400_000;

/// Records of each source; they begin at offset 10.
const RECORDS: i64 = 20;

/// The record of `two` whose event was changed.
const CHANGED: i64 = 17;

/// What the topics hold.
#[derive(Default)]
struct Topics {
    /// The value of each event, and the position of its source record.
    events: Vec<(String, String)>,
    ledger: Vec<Vec<u8>>,
}

impl Topics {
    fn source(&mut self, name: &str, time_ms: i64) {
        let topic = format!("{name}-audit");
        let of = (name, &*topic, 0);
        let mut chain = Chain::begin(of.1, of.2, 10);
        self.ledger.push(chain.start_record(of));
        let mut run = Run::default();
        for offset in 10..10 + RECORDS {
            let mut event = format!(
                r#"{{"class_uid":6003,"time":{time_ms},"metadata":{{"uid":"{name}-{offset}"}},"actor":{{"user":{{"uid":"u-1"}}}}}}"#
            );
            let output = OutputEntry {
                topic: 0,
                element: 0,
                hash: output_hash(Some(event.as_bytes())),
            };
            if (name, offset) == ("two", CHANGED) {
                event = event.replace("u-1", "u-2");
            }
            self.events.push((event, format!("{topic}/0@{offset}")));
            let value = format!("value {offset}");
            let full = run.add(
                &mut chain,
                (offset, Some(value.as_bytes())),
                (Fates::EVENT, [1, 0, 0]),
                [("watchbell.events", output)].into_iter(),
                (of, Bounds::of_topic(1_000_000)),
            );
            assert!(full.is_empty());
        }
        self.ledger.push(run.take(&chain, of).expect("a run"));
    }
}

/// Writes the archive, and returns its day.
pub fn write(folder: &Path) -> String {
    std::fs::create_dir(folder).expect("a folder");
    let day = day_of(jiff::Timestamp::now().as_millisecond()) - 1;
    let time_ms = i64::from(day) * DAY_MS + DAY_MS / 2;
    let mut topics = Topics::default();
    for name in ["one", "two"] {
        topics.source(name, time_ms);
    }
    let mut events = Rows::new(TableKind::Events);
    for (number, (value, source)) in topics.events.iter().enumerate() {
        let position = Header {
            name: "ce_watchbellposition",
            value: Some(source.as_bytes()),
        };
        let mut record = record("watchbell.events", number, value.as_bytes(), time_ms);
        record.headers = vec![position];
        events.push(&Emitted::new(record));
    }
    let mut ledger = Rows::new(TableKind::Ledger);
    for (number, value) in topics.ledger.iter().enumerate() {
        ledger.push(&Emitted::new(record(
            "watchbell.ledger",
            number,
            value,
            time_ms,
        )));
    }
    let storage = Storage::open(&format!("file://{}", folder.display()), &[]).expect("a storage");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (kind, topic, mut rows) in [
        (TableKind::Events, "watchbell.events", events),
        (TableKind::Ledger, "watchbell.ledger", ledger),
    ] {
        let files = data_files(kind, &rows.take().expect("rows")).expect("files");
        let of = TopicPartition {
            group: "watchbell".into(),
            topic: topic.into(),
            partition: Partition(0),
        };
        let to = Progress {
            next: NextOffset(1),
            last: 0,
        };
        let positions = BTreeMap::from([(of, Advance { from: None, to })]);
        runtime.block_on(async {
            let mut table = Table::open(&storage, kind).await.expect("a table");
            table.append(files, &positions).await.expect("rows");
        });
    }
    day_text(day)
}

fn record<'r>(topic: &'r str, number: usize, value: &'r [u8], time_ms: i64) -> RawRecord<'r> {
    RawRecord {
        position: Position {
            topic,
            partition: Partition(0),
            offset: Offset(number as i64),
            element: None,
        },
        timestamp_ms: Some(time_ms),
        ..RawRecord::of_value(topic, value)
    }
}
