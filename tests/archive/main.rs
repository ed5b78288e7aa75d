//! The archive as independent programs see it: cargo test --features archive --test archive (needs python3 with venv).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What the commands answer.
mod asked;
/// Files that are loaded.
mod backfill;
/// The built binary as a user runs it.
#[allow(dead_code)]
#[path = "../it/command.rs"]
mod command;
/// DuckDB.
mod duckdb;
/// An archive to be asked.
mod fixture;
/// Login to the page.
mod login;
/// Databases of places.
#[allow(dead_code)]
#[path = "../mmdb/mod.rs"]
mod mmdb;
/// Validation against the OCSF JSON Schema.
#[allow(dead_code)]
#[path = "../it/ocsf.rs"]
mod ocsf;
/// Programs from PyPI.
mod python;
/// The questions of the documentation.
mod queries;
/// A read by others of what was archived.
mod readers;
/// An S3 server.
mod s3;
/// A page that is served, and a browser as far as logins need one.
#[allow(dead_code)]
#[path = "../it/page_login/site.rs"]
mod site;
/// What happens on object storage.
mod storages;
/// An archive with a story.
mod story;
/// Rules that are tried on an archive.
mod tried;

use std::collections::BTreeMap;
use std::ops::Range;

use watchbell::archive::{
    Advance, AppendError, Progress, Rows, Table, TableKind, TopicPartition, data_files,
};
use watchbell::event::{NextOffset, Offset, Partition, Position, RawRecord};
use watchbell::view::Emitted;

const TOPIC: &str = "watchbell.events";

/// The events of the documentation, as `watchbell replay` writes them.
fn events() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["replay", "--emit", "events"])
        .arg(format!("{folder}/confluent/shapes.ndjson"))
        .arg(format!("{folder}/actiontrail/shapes.ndjson"))
        .arg(format!("{folder}/actiontrail/seed.ndjson"))
        .output()
        .expect("run watchbell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

/// Rows of these offsets of partition 0; the events repeat.
fn rows(events: &[Vec<u8>], offsets: Range<i64>) -> Rows {
    let mut rows = Rows::new(TableKind::Events);
    for offset in offsets {
        let value = &events[usize::try_from(offset).unwrap() % events.len()];
        let record = RawRecord {
            position: Position {
                topic: TOPIC,
                partition: Partition(0),
                offset: Offset(offset),
                element: None,
            },
            ..RawRecord::of_value(TOPIC, value)
        };
        rows.push(&Emitted::new(record));
    }
    rows
}

fn partition() -> TopicPartition {
    TopicPartition {
        group: "watchbell-archive".into(),
        topic: TOPIC.into(),
        partition: Partition(0),
    }
}

/// Append the next so many records.
async fn append(table: &mut Table, events: &[Vec<u8>], count: i64) -> Result<(), AppendError> {
    let from = table.progress(&partition()).await?.map(|at| at.next);
    let first = from.map_or(0, |next| next.0);
    let batch = rows(events, first..first + count).take().unwrap();
    let files = data_files(TableKind::Events, &batch).unwrap();
    let to = Progress {
        next: NextOffset(first + count),
        last: 1,
    };
    table
        .append(
            files,
            &BTreeMap::from([(partition(), Advance { from, to })]),
        )
        .await
}
