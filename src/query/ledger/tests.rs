//! A day of an archive is verified after somebody has touched it, or something has happened to the source.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use jiff::Timestamp;
use tempfile::TempDir;

use super::{Effort, Report, Verification, VerifyError};
use crate::archive::verify::{Fault, Problem};
use crate::archive::{
    Advance, Progress, Rows, Storage, Table, TableKind, TopicPartition, data_files,
};
use crate::config::{self, Config};
use crate::encode::{DeadLetter, dead_letter};
use crate::event::{Header, NextOffset, Offset, Partition, Position, RawRecord};
use crate::ledger::{
    Bounds, Chain, Fates, OutputEntry, Run, letter_hash, output_hash, outputs_record,
};
use crate::view::Emitted;

/// 2026-03-14, as days and as its first millisecond.
const DAY: i32 = 20_526;
const DAY_MS: i64 = DAY as i64 * 86_400_000;

const OF: (&str, &str, i32) = ("one", "audit", 0);

/// A record of an output topic.
#[derive(Debug, Clone, Default)]
struct Row {
    topic: &'static str,
    partition: i32,
    offset: i64,
    time_ms: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Row {
    fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        })
    }

    fn record(&self) -> RawRecord<'_> {
        RawRecord {
            position: Position {
                topic: self.topic,
                partition: Partition(self.partition),
                offset: Offset(self.offset),
                element: None,
            },
            timestamp_ms: Some(self.time_ms),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers().collect(),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.value.clone().unwrap()).unwrap()
    }

    fn set(&mut self, old: &str, new: &str) {
        let text = self.text();
        assert!(text.contains(old), "{old} in {text}");
        self.value = Some(text.replacen(old, new, 1).into_bytes());
    }
}

/// What changes the rows of a table after they were made.
type Alter = Box<dyn Fn(RecordBatch) -> RecordBatch>;

/// What is in the topics, and then in the tables.
struct World {
    rows: BTreeMap<TableKind, Vec<Row>>,
    chain: Chain,
    run: Run,
    now_ms: i64,
    alter: BTreeMap<TableKind, Alter>,
    settings: String,
    effort: Effort,
}

impl World {
    /// A source whose ledger begins at offset 10.
    fn new() -> World {
        let mut world = World {
            rows: BTreeMap::new(),
            chain: Chain::begin(OF.1, OF.2, 10),
            run: Run::default(),
            now_ms: DAY_MS + 1_000,
            alter: BTreeMap::new(),
            settings: String::new(),
            effort: Effort::whole(),
        };
        let start = world.chain.start_record(OF);
        world.write(vec![start]);
        world
    }

    /// Two runs, with events, dead letters and dropped events.
    fn usual() -> World {
        let mut world = World::new();
        for offset in 10..40 {
            world.read(offset);
        }
        world.commit();
        for offset in 41..60 {
            world.read(offset);
        }
        world.commit();
        world
    }

    fn of(&mut self, kind: TableKind) -> &mut Vec<Row> {
        self.rows.entry(kind).or_default()
    }

    fn push(&mut self, kind: TableKind, mut row: Row) {
        row.time_ms = self.now_ms;
        let rows = self.of(kind);
        row.offset = rows.last().map_or(0, |last| last.offset + 2);
        rows.push(row);
    }

    fn write(&mut self, values: Vec<Vec<u8>>) {
        for value in values {
            self.push(
                TableKind::Ledger,
                Row {
                    topic: "ledger",
                    value: Some(value),
                    ..Row::default()
                },
            );
        }
    }

    /// An event in the topic `events`, and what the ledger knows of it.
    fn event(&mut self, offset: i64, origin: Option<&str>) -> (&'static str, OutputEntry) {
        let time = self.now_ms - 500;
        let value = format!(
            r#"{{"class_uid":6003,"time":{time},"metadata":{{"uid":"e{offset}"}},"actor":{{"user":{{"uid":"u-1"}}}}}}"#
        );
        let position = format!("audit/0@{offset}").into_bytes();
        let mut headers = vec![("ce_watchbellposition".to_owned(), Some(position))];
        if let Some(origin) = origin {
            headers.push(("watchbell-origin".into(), Some(origin.into())));
        }
        let hash = output_hash(Some(value.as_bytes()));
        self.push(
            TableKind::Events,
            Row {
                topic: "events",
                partition: 2,
                value: Some(value.into_bytes()),
                headers,
                ..Row::default()
            },
        );
        ("events", entry(hash))
    }

    fn letter(&mut self, offset: i64) -> (&'static str, OutputEntry) {
        let record = RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(0),
                offset: Offset(offset),
                element: None,
            },
            key: Some(b"k"),
            ..RawRecord::of_value("audit", b"\xff no JSON")
        };
        let why = DeadLetter {
            reason: "not_json",
            detail: "it is none",
            max_bytes: 1_000_000,
            cut: false,
            sealed: false,
            unread: None,
            output: None,
            origin: None,
        };
        let letter = dead_letter(&record, &Arc::from("dead"), why);
        let row = Row {
            topic: "dead",
            key: letter.key,
            value: letter.value,
            headers: letter
                .headers
                .into_iter()
                .map(|(name, value)| (name.into_owned(), value))
                .collect(),
            ..Row::default()
        };
        let hash = letter_hash(row.key.as_deref(), row.value.as_deref(), row.headers());
        self.push(TableKind::DeadLetters, row);
        ("dead", entry(hash))
    }

    /// Reads a source record: every fifth is dropped, every seventh is a dead letter.
    fn read(&mut self, offset: i64) {
        let (fates, counts, outputs) = match offset {
            _ if offset % 5 == 4 => (Fates::DROPPED, [0, 0, 1], vec![]),
            _ if offset % 7 == 6 => (Fates::DEAD_LETTER, [0, 1, 0], vec![self.letter(offset)]),
            _ => (Fates::EVENT, [1, 0, 0], vec![self.event(offset, None)]),
        };
        let value = format!("value {offset}");
        let full = self.run.add(
            &mut self.chain,
            (offset, Some(value.as_bytes())),
            (fates, counts),
            outputs.into_iter(),
            (OF, Bounds::of_topic(1_000_000)),
        );
        assert!(full.is_empty());
    }

    fn commit(&mut self) {
        let run = self.run.take(&self.chain, OF).unwrap();
        self.write(vec![run]);
        self.now_ms += 1_000;
    }

    fn config(&self, folder: &TempDir) -> Config {
        let text = format!(
            "sources: {{one: {{bootstrap: a:9092, topic: audit}}}}\ndestination: {{bootstrap: b:9092}}\n\
             topics: {{events: events, dead_letters: dead, ledger: ledger}}\n\
             archive: {{url: \"file://{}/archive\"{}}}\n",
            folder.path().display(),
            self.settings
        );
        let path = folder.path().join("watchbell.yaml");
        std::fs::write(&path, text).unwrap();
        config::load(&path).unwrap().config
    }

    /// Archives everything, and verifies the day.
    fn verify(&self) -> Report {
        self.verify_day(DAY)
    }

    fn verify_day(&self, day: i32) -> Report {
        self.try_to_verify(day).unwrap()
    }

    fn try_to_verify(&self, day: i32) -> Result<Report, VerifyError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("archive")).unwrap();
        let mut config = self.config(&folder);
        if self.settings.contains("at_least_once") {
            config.session.delivery = crate::kafka::session::Delivery::AtLeastOnce;
        }
        let archive = config.archive.clone().unwrap();
        let storage = Storage::open(&archive.url, &archive.options).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for kind in TableKind::ALL {
            let mut rows = Rows::new(kind);
            for row in self.rows.get(&kind).into_iter().flatten() {
                rows.push(&Emitted::new(row.record()));
            }
            let mut batch = rows.take().unwrap();
            if let Some(alter) = self.alter.get(&kind) {
                batch = alter(batch);
            }
            let topic = self.rows.get(&kind).map_or("", |rows| rows[0].topic);
            let of = TopicPartition {
                group: archive.group.as_str().into(),
                topic: topic.into(),
                partition: Partition(0),
            };
            let to = Progress {
                next: NextOffset(1),
                last: 0,
            };
            let files = data_files(kind, &batch).unwrap();
            let positions = BTreeMap::from([(of, Advance { from: None, to })]);
            runtime.block_on(async {
                let mut table = Table::open(&storage, kind).await.unwrap();
                table.append(files, &positions).await.unwrap();
            });
        }
        let verification = Verification {
            config: &config,
            archive: &archive,
            source: None,
            day,
            now: Timestamp::now(),
            effort: self.effort.clone(),
        };
        verification.report()
    }
}

fn entry(hash: [u8; 16]) -> OutputEntry {
    OutputEntry {
        topic: 0,
        element: 0,
        hash,
    }
}

/// What is wrong, in short: the problem, the table, the row, the source position.
fn told(report: &Report) -> Vec<(Problem, TableKind, String, String)> {
    let told = report.faults.named.iter().map(|fault: &Fault| {
        let at = fault.at.as_ref().map(ToString::to_string);
        let source = fault.source.as_ref().map(ToString::to_string);
        (
            fault.problem,
            fault.table,
            at.unwrap_or_default(),
            source.unwrap_or_default(),
        )
    });
    told.collect()
}

fn one(
    problem: Problem,
    table: TableKind,
    at: &str,
    source: &str,
) -> Vec<(Problem, TableKind, String, String)> {
    vec![(problem, table, at.to_owned(), source.to_owned())]
}

fn notes(report: &Report) -> String {
    let mut notes = report.notes();
    notes.push(report.summary());
    notes.join("\n")
}

#[test]
fn an_archive_that_nobody_has_touched_is_complete_and_unaltered() {
    let report = World::usual().verify();
    assert_eq!(told(&report), []);
    assert!(report.result().is_ok());
    let text = notes(&report);
    assert!(
        text.contains("49 source records of 1 partitions in 3 rows of the ledger"),
        "{text}"
    );
    assert!(
        text.contains("the ledger begins here, at position 10"),
        "{text}"
    );
    assert!(text.contains("no later row closes the day"), "{text}");
    let counted = "33 events, 6 dead letters, 10 dropped; 39 rows are there and unaltered";
    assert!(text.contains(counted), "{text}");
}

#[test]
fn a_verification_that_is_asked_to_stop_reads_no_further_and_says_nothing_of_the_day() {
    let world = World::usual();
    world.effort.stop.request();
    let stopped = world.try_to_verify(DAY);
    assert!(
        matches!(stopped, Err(VerifyError::Stopped)),
        "{:?}",
        stopped.err()
    );
}

/// The event of this offset.
fn event_of(world: &mut World, offset: i64) -> &mut Row {
    let id = format!("\"e{offset}\"");
    let mut rows = world.of(TableKind::Events).iter_mut();
    rows.find(|row| row.text().contains(&id)).unwrap()
}

#[test]
fn a_changed_value_a_changed_column_and_a_changed_header_are_named() {
    let mut world = World::usual();
    let row = event_of(&mut world, 12);
    row.set("u-1", "u-2");
    let at = format!("events/2@{}", row.offset);
    let report = world.verify();
    let expected = one(Problem::Changed, TableKind::Events, &at, "audit/0@12");
    assert_eq!(told(&report), expected);
    assert_eq!(report.faults.named[0].id.as_deref(), Some("e12"));
    assert!(report.result().is_err());

    let mut world = World::usual();
    let alter = |batch: RecordBatch| {
        let column = batch.schema().index_of("actor_uid").unwrap();
        let mut columns = batch.columns().to_vec();
        let texts = (0..batch.num_rows()).map(|row| if row == 3 { "u-9" } else { "u-1" });
        columns[column] = Arc::new(StringArray::from_iter_values(texts));
        RecordBatch::try_new(batch.schema(), columns).unwrap()
    };
    world.alter.insert(TableKind::Events, Box::new(alter));
    let report = world.verify();
    let expected = one(
        Problem::Columns,
        TableKind::Events,
        "events/2@6",
        "audit/0@15",
    );
    assert_eq!(told(&report), expected);
    assert!(report.faults.named[0].detail.contains("actor_uid"));

    let mut world = World::usual();
    let letter = &mut world.of(TableKind::DeadLetters)[1];
    letter.headers[0].1 = Some(b"other".to_vec());
    let report = world.verify();
    let expected = one(
        Problem::Changed,
        TableKind::DeadLetters,
        "dead/0@2",
        "audit/0@20",
    );
    assert_eq!(told(&report), expected);
}

#[test]
fn a_missing_a_doubled_and_an_added_row_are_named() {
    let mut world = World::usual();
    world
        .of(TableKind::Events)
        .retain(|row| !row.text().contains("\"e12\""));
    let expected = one(Problem::Missing, TableKind::Events, "", "audit/0@12");
    assert_eq!(told(&world.verify()), expected);

    let mut world = World::usual();
    world.of(TableKind::DeadLetters).remove(0);
    let expected = one(Problem::Missing, TableKind::DeadLetters, "", "audit/0@13");
    assert_eq!(told(&world.verify()), expected);

    let mut world = World::usual();
    let row = event_of(&mut world, 12).clone();
    let at = format!("events/2@{}", row.offset);
    world.of(TableKind::Events).push(row.clone());
    let expected = one(Problem::Doubled, TableKind::Events, &at, "audit/0@12");
    assert_eq!(told(&world.verify()), expected);

    // The same in another place.
    let mut world = World::usual();
    world.push(TableKind::Events, row);
    let last = world.of(TableKind::Events).last().unwrap().offset;
    let at = format!("events/2@{last}");
    let expected = one(Problem::Doubled, TableKind::Events, &at, "audit/0@12");
    assert_eq!(told(&world.verify()), expected);

    // A dropped record has no event.
    let mut world = World::usual();
    world.event(14, None);
    let last = world.of(TableKind::Events).last().unwrap().offset;
    let at = format!("events/2@{last}");
    let expected = one(Problem::Unknown, TableKind::Events, &at, "audit/0@14");
    assert_eq!(told(&world.verify()), expected);
}

#[test]
fn whoever_touches_the_ledger_is_found() {
    // The first run is gone: nobody knows of its records any more, but that they are missing.
    let mut world = World::usual();
    world.of(TableKind::Ledger).remove(1);
    let report = world.verify();
    let expected = one(Problem::Missing, TableKind::Ledger, "", "audit/0@10");
    assert_eq!(told(&report), expected);
    let detail = &report.faults.named[0].detail;
    assert!(detail.contains("offsets 10 to 39 are missing"), "{detail}");

    let mut world = World::usual();
    let rows = world.of(TableKind::Ledger);
    let row = rows[1].clone();
    rows.push(row);
    let expected = one(
        Problem::Doubled,
        TableKind::Ledger,
        "ledger/0@2",
        "audit/0@10",
    );
    assert!(told(&world.verify()).starts_with(&expected));

    // Two runs have changed places.
    let mut world = World::usual();
    let rows = world.of(TableKind::Ledger);
    let (one_value, two) = (rows[1].value.clone(), rows[2].value.clone());
    (rows[1].value, rows[2].value) = (two, one_value);
    let expected = one(
        Problem::Order,
        TableKind::Ledger,
        "ledger/0@2",
        "audit/0@40",
    );
    assert_eq!(told(&world.verify()), expected);

    // The hash of a source record.
    let mut world = World::usual();
    let row = &mut world.of(TableKind::Ledger)[1];
    let text = row.text();
    let start = text.find("\"entries\":\"").unwrap() + 20;
    let old = &text[start..start + 4];
    let new = if old == "AAAA" { "BBBB" } else { "AAAA" };
    row.value = Some(format!("{}{new}{}", &text[..start], &text[start + 4..]).into_bytes());
    let report = world.verify();
    let expected = one(
        Problem::Ledger,
        TableKind::Ledger,
        "ledger/0@2",
        "audit/0@10",
    );
    assert_eq!(told(&report), expected);
    assert!(report.faults.named[0].detail.contains("chain"));

    // A number, so that the columns agree with the record.
    let mut world = World::usual();
    world.of(TableKind::Ledger)[1].set("\"last\":39", "\"last\":38");
    let expected = one(
        Problem::Ledger,
        TableKind::Ledger,
        "ledger/0@2",
        "audit/0@10",
    );
    assert!(told(&world.verify()).starts_with(&expected));
}

#[test]
fn gaps_and_moves_are_told_and_are_no_faults() {
    let mut world = World::usual();
    let gap = world.chain.gap_record(80, OF);
    let moved = world.chain.move_record(50, OF);
    world.write(vec![gap, moved]);
    // Read again after the move, and published again.
    world.now_ms += 60_000;
    for offset in 50..55 {
        world.read(offset);
    }
    world.commit();
    let report = world.verify();
    assert_eq!(told(&report), []);
    let text = notes(&report);
    assert!(
        text.contains("the records from 60 to before 80 had expired"),
        "{text}"
    );
    assert!(text.contains("moved the position from 80 to 50"), "{text}");
}

#[test]
fn what_is_read_again_after_a_crash_is_no_fault_if_it_is_the_same() {
    let mut world = World::usual();
    let (chain, values) = (world.chain, world.of(TableKind::Ledger).len());
    for offset in 60..70 {
        world.read(offset);
    }
    world.commit();
    // The positions were not committed; the batches are cut in another way now.
    world.chain = chain;
    for offset in 60..65 {
        world.read(offset);
    }
    world.commit();
    for offset in 65..75 {
        world.read(offset);
    }
    world.commit();
    let report = world.verify();
    assert_eq!(told(&report), []);
    let text = notes(&report);
    assert!(text.contains("from 60 on were read again"), "{text}");
    // Another source record in its place the second time.
    let value = world.of(TableKind::Ledger)[values].text();
    let mut chain = chain;
    let mut run = Run::default();
    run.add(
        &mut chain,
        (60, Some(b"another")),
        (Fates::DROPPED, [0, 0, 1]),
        std::iter::empty(),
        (OF, Bounds::of_topic(1_000_000)),
    );
    assert_ne!(value.as_bytes(), run.clone().take(&chain, OF).unwrap());
    let run = run.take(&chain, OF).unwrap();
    world.write(vec![run]);
    let report = world.verify();
    let wrong = told(&report);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].0, Problem::Ledger);
    assert_eq!(wrong[0].3, "audit/0@60");
}

#[test]
fn at_least_once_may_publish_again_what_the_ledger_has_once() {
    let publish_again = |settings: &str| {
        let mut world = World::usual();
        settings.clone_into(&mut world.settings);
        let row = event_of(&mut world, 12).clone();
        world.push(TableKind::Events, row);
        // The names were others before the crash.
        let mut row = event_of(&mut world, 15).clone();
        row.set("u-1", "u-2");
        world.push(TableKind::Events, row);
        world.verify()
    };
    let problems = told(&publish_again(""))
        .into_iter()
        .map(|(problem, ..)| problem);
    let problems: Vec<Problem> = problems.collect();
    assert_eq!(problems, [Problem::Doubled, Problem::Unknown]);
    let report = publish_again(" # at_least_once\n");
    assert_eq!(told(&report), []);
    assert!(
        notes(&report).contains("2 rows are of records that were published again"),
        "{}",
        notes(&report)
    );
}

#[test]
fn what_commands_publish_later_is_no_fault() {
    let mut world = World::usual();
    world.event(12, Some("replay"));
    // A dead letter is retried on the next day, and the ledger knows of it.
    world.now_ms += 86_400_000;
    let event = world.event(13, Some("retry"));
    let told_of = outputs_record(
        (13, Some(b"value 13")),
        (Fates::EVENT, [1, 0, 0]),
        [event].into_iter(),
        (OF, Bounds::of_topic(1_000_000)),
    );
    world.write(told_of);
    world.read(60);
    world.commit();
    let report = world.verify();
    assert_eq!(told(&report), []);
    assert!(notes(&report).contains("1 rows are of records that `replay`"));
    assert_eq!(told(&world.verify_day(DAY + 1)), []);
    // Without the ledger's record nobody has published it.
    let row = world.of(TableKind::Events).len() - 2;
    world.of(TableKind::Events)[row].set("u-1", "u-2");
    let wrong = told(&world.verify_day(DAY + 1));
    assert_eq!((wrong[0].0, &*wrong[0].3), (Problem::Changed, "audit/0@13"));
}

#[test]
fn a_day_is_closed_by_the_days_around_it() {
    let days = || {
        let mut world = World::usual();
        for day in 1..3 {
            world.now_ms = DAY_MS + day * 86_400_000 + 1_000;
            for offset in 0..20 {
                world.read(40 + day * 20 + offset);
            }
            world.commit();
        }
        world
    };
    let world = days();
    for day in DAY..DAY + 3 {
        let report = world.verify_day(day);
        assert_eq!(told(&report), [], "{day}");
        let is_last = notes(&report).contains("no later row closes the day");
        assert_eq!(is_last, day == DAY + 2);
    }
    // The last row of a day, and a whole day.
    let mut world = days();
    world.of(TableKind::Ledger).remove(2);
    let wrong = told(&world.verify_day(DAY));
    assert_eq!((wrong[0].0, &*wrong[0].3), (Problem::Missing, "audit/0@40"));
    let mut world = days();
    world.of(TableKind::Ledger).remove(3);
    for day in DAY..DAY + 3 {
        let wrong = told(&world.verify_day(day));
        let expected = one(Problem::Missing, TableKind::Ledger, "", "audit/0@60");
        assert_eq!(wrong, expected, "{day}");
    }
    // Days before the ledger.
    let report = days().verify_day(DAY - 1);
    assert_eq!(told(&report), []);
    assert!(notes(&report).contains("the ledger begins on 2026-03-14"));
}

#[test]
fn a_chain_that_begins_anew_is_a_fault() {
    let mut world = World::usual();
    world.chain = Chain::begin(OF.1, OF.2, 100);
    let start = world.chain.start_record(OF);
    world.write(vec![start]);
    let report = world.verify();
    let expected = one(
        Problem::Begun,
        TableKind::Ledger,
        "ledger/0@6",
        "audit/0@100",
    );
    assert_eq!(told(&report), expected);
}

#[test]
fn what_the_retention_has_removed_and_what_is_not_archived_is_told() {
    let mut world = World::usual();
    world.settings = ", retention: {events: 3d, ledger: 3d}".into();
    world.of(TableKind::Events).clear();
    world.event(8, None);
    world.of(TableKind::Ledger).remove(0);
    let report = world.verify();
    assert_eq!(told(&report), []);
    let text = notes(&report);
    assert!(text.contains("33 rows of events are not there"), "{text}");
    assert!(text.contains("was removed by the retention"), "{text}");

    let mut world = World::new();
    let full = world.run.add(
        &mut world.chain,
        (10, None),
        (Fates::EVENT, [1, 0, 0]),
        [("elsewhere", entry([7; 16]))].into_iter(),
        (OF, Bounds::of_topic(1_000_000)),
    );
    assert!(full.is_empty());
    world.commit();
    world.event(8, None);
    world.letter(9);
    let report = world.verify();
    assert_eq!(told(&report), []);
    let text = notes(&report);
    assert!(
        text.contains("published to elsewhere, which is not archived"),
        "{text}"
    );
}

#[test]
fn rows_of_files_are_counted_and_not_compared_whatever_the_file_is_called() {
    const FILE: &str = "file:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let mut world = World::usual();
    for kind in [TableKind::Events, TableKind::DeadLetters] {
        // A file that has the name of the topic, and events with its offsets.
        let rows = world.of(kind).clone();
        let of_file = rows.into_iter().enumerate().map(|(number, row)| Row {
            topic: FILE,
            partition: 0,
            offset: number as i64,
            ..row
        });
        let of_file: Vec<Row> = of_file.collect();
        world.of(kind).extend(of_file);
    }
    let counts = [TableKind::Events, TableKind::DeadLetters].map(|kind| world.of(kind).len() / 2);
    let report = world.verify();
    assert_eq!(told(&report), []);
    assert!(report.result().is_ok());
    let text = notes(&report);
    let note = format!(
        "{} rows of events and dead letters of this day came from files",
        counts.iter().sum::<usize>()
    );
    assert!(text.contains(&note), "{text}");
    assert!(!text.contains("replay` has published"), "{text}");
}
