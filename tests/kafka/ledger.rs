//! The ledger: an ingest that is killed again and again leaves an archive that is complete and unaltered, and whoever
//! touches one row of it is found.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use watchbell::archive::{FileEntry, Storage, Table, TableKind, day_number};

use super::archived::{check, folder};
use super::broker::clusters;
use super::daemon::{Deployment, watchbell};
use super::{Dice, LIMIT, eventually};

/// What the command prints as JSON, one value per line, and whether it succeeded.
fn ledger(file: &Path, arguments: &[&str]) -> (Vec<Value>, bool, String) {
    let path = file.display().to_string();
    let mut all = vec!["ledger"];
    all.extend(arguments);
    all.extend(["--json", "-c", &path]);
    let output = watchbell(&all);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(serde_json::from_str);
    let values = lines.collect::<Result<Vec<Value>, _>>().expect("JSON");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (values, output.status.success(), said)
}

/// The days on which something was read; two if the test runs at midnight.
fn days(file: &Path) -> Vec<String> {
    let (rows, succeeded, said) = ledger(file, &[]);
    assert!(succeeded, "{said}");
    let days = rows.iter().map(|row| row["day"].as_str().expect("a day"));
    let mut days: Vec<String> = days.map(str::to_owned).collect();
    days.dedup();
    days
}

/// The faults and notes of all days, and how many rows are confirmed and should be.
fn verify(file: &Path) -> (Vec<Value>, String, u64, u64) {
    let (mut faults, mut notes, mut confirmed, mut expected) = (Vec::new(), String::new(), 0, 0);
    for day in days(file) {
        let (report, succeeded, said) = ledger(file, &["verify", "--day", &day]);
        let report = report.first().unwrap_or_else(|| panic!("{said}"));
        let found = report["faults"].as_array().expect("faults");
        assert_eq!(succeeded, found.is_empty(), "{said}");
        faults.extend(found.iter().cloned());
        notes += &report["notes"].to_string();
        let number = |name: &str| report[name].as_u64().expect("a number");
        confirmed += number("confirmed_rows");
        expected += number("events") + number("dead_letters");
    }
    (faults, notes, confirmed, expected)
}

/// How many source records the ledger lists.
pub fn listed_records(file: &Path) -> i64 {
    let (rows, succeeded, said) = ledger(file, &[]);
    assert!(succeeded, "{said}");
    let records = rows.iter().map(|row| row["records"].as_i64());
    records.map(|records| records.expect("a number")).sum()
}

/// Wait until everything is archived, and nothing of it is wrong.
pub fn is_sound(file: &Path, least: u64) -> String {
    let mut last = None;
    let done = eventually(LIMIT, || {
        let (faults, notes, confirmed, expected) = verify(file);
        let sound = faults.is_empty() && confirmed == expected && expected >= least;
        last = Some((faults, notes, confirmed, expected));
        sound
    });
    assert!(done, "{last:?}");
    last.expect("an answer").1
}

/// One file of the events, and the number of one of its rows.
struct Touched {
    storage: Storage,
    runtime: tokio::runtime::Runtime,
}

impl Touched {
    /// Put other rows in the place of those of the file with the most rows.
    fn rewrite(&self, alter: &dyn Fn(RecordBatch) -> RecordBatch) {
        self.runtime.block_on(async {
            let table = Table::open(&self.storage, TableKind::Events).await;
            let mut table = table.expect("events");
            let file = table.entries().into_iter().max_by_key(|file| file.size);
            let file = file.expect("a file");
            let bytes = table.read(&file, 0..file.size).await.expect("a file");
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet");
            let reader = reader.build().expect("Parquet");
            let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().expect("rows");
            let rows = concat_batches(&batches[0].schema(), &batches).expect("rows");
            let rows = alter(rows);
            let mut writer =
                ArrowWriter::try_new(Vec::new(), rows.schema(), None).expect("Parquet");
            writer.write(&rows).expect("Parquet");
            let bytes = writer.into_inner().expect("Parquet");
            let FileEntry { day, .. } = &file;
            let new = table
                .store(day_number(day), [bytes.into()], "{}".into())
                .await;
            let new = new.expect("stored");
            let replaced = table
                .replace("somebody", std::slice::from_ref(&file), &[new])
                .await;
            replaced.expect("replaced");
        });
    }
}

/// The id of the event in a row.
fn id(rows: &RecordBatch, row: usize) -> String {
    rows["event_id"].as_string::<i32>().value(row).to_owned()
}

#[test]
fn an_ingest_that_is_killed_leaves_a_sound_ledger_and_one_row_that_is_touched_is_named() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "ledger");
    let url = format!("file://{}", deployment.file("archive").display());
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 300ms}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    deployment.arguments = vec!["--role".into(), "archive".into()];
    let archive = deployment.start(1);
    deployment.arguments = vec!["--role".into(), "ingest".into()];
    let mut ingest = deployment.start(0);
    let mut dice = Dice::new(47);
    let (until, mut kills) = (Instant::now() + Duration::from_secs(25), 0);
    let mut next_death = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        audit.write(8);
        // Sets the rate of the source; this is no synchronisation.
        std::thread::sleep(Duration::from_millis(10));
        if Instant::now() >= next_death {
            ingest.kill();
            ingest = deployment.start(0);
            kills += 1;
            next_death = Instant::now() + Duration::from_millis(500 + dice.below(5_000));
        }
    }
    audit.flush();
    println!("  {kills} kill -9");
    deployment.wait_for(&clusters, &audit, LIMIT);
    ingest.terminate();
    audit.check_exactly_once(&clusters, &deployment);
    let file = deployment.write();
    let written: i64 = audit.written().iter().sum();
    // An archive that lacks the end is sound as well.
    let storage = folder(&deployment);
    check(&deployment, &clusters.destination, &storage);
    let notes = is_sound(&file, written.unsigned_abs() / 2);
    assert!(
        notes.contains("the ledger begins here, at position 0"),
        "{notes}"
    );
    assert_eq!(listed_records(&file), written);

    // Somebody moves a position back: what is read again is published again.
    let path = file.display().to_string();
    let to_earliest = ["--partition", "2", "--to", "earliest", "--execute"];
    let set = [&["offsets", "set", "-c", &path][..], &to_earliest].concat();
    let mut said = String::new();
    let moved = eventually(LIMIT, || {
        let output = watchbell(&set);
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        output.status.success()
    });
    assert!(moved, "{said}");
    let ingest = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    ingest.terminate();
    check(&deployment, &clusters.destination, &storage);
    let again = audit.written()[2];
    let notes = is_sound(&file, written.unsigned_abs() / 2);
    let told = format!("somebody moved the position from {again} to 0");
    assert!(notes.contains(&told), "{notes}");
    archive.terminate();

    let touched = Touched {
        storage: Storage::open(&url, &[]).expect("a folder"),
        runtime: tokio::runtime::Runtime::new().expect("a runtime"),
    };
    for problem in ["changed", "columns", "missing", "doubled"] {
        let touched_id = std::cell::RefCell::new(String::new());
        let original = std::cell::RefCell::new(None);
        touched.rewrite(&|rows| {
            *original.borrow_mut() = Some(rows.clone());
            let row = rows.num_rows() / 2;
            *touched_id.borrow_mut() = id(&rows, row);
            altered(&rows, row, problem)
        });
        let touched_id = touched_id.take();
        // What was published within the last minute may not be archived yet, so it is not missed before.
        let mut faults = Vec::new();
        let found = eventually(LIMIT, || {
            faults = verify(&file).0;
            !faults.is_empty()
        });
        assert!(found && faults.len() == 1, "{problem}: {faults:?}");
        let fault = &faults[0];
        assert_eq!(fault["fault"], problem, "{fault}");
        assert_eq!(fault["table"], "events", "{fault}");
        // The ids of these events are made of their source positions.
        let source = fault["source_position"].as_str().expect("a position");
        let (place, offset) = touched_id.rsplit_once('/').expect("an id");
        assert_eq!(source, format!("{place}@{offset}"), "{fault}");
        if problem != "missing" {
            assert_eq!(fault["event_id"], touched_id, "{fault}");
        }
        touched.rewrite(&|_| original.take().expect("rows"));
    }
    is_sound(&file, written.unsigned_abs() / 2);
}

/// The rows with one of them touched.
fn altered(rows: &RecordBatch, row: usize, problem: &str) -> RecordBatch {
    let with = |column: &str, text: &str| {
        let texts = rows[column].as_string::<i32>();
        let texts = texts.iter().enumerate().map(|(at, own)| match at == row {
            true => Some(text),
            false => own,
        });
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        let index = rows.schema().index_of(column).expect("a column");
        columns[index] = Arc::new(StringArray::from_iter(texts));
        RecordBatch::try_new(rows.schema(), columns).expect("rows")
    };
    match problem {
        "changed" => {
            let text = rows["event"].as_string::<i32>().value(row);
            with(
                "event",
                &text.replacen("\"severity_id\":", "\"severity_id\": ", 1),
            )
        }
        "columns" => with("service", "another"),
        "missing" => {
            let kept: BooleanArray = (0..rows.num_rows()).map(|at| Some(at != row)).collect();
            filter_record_batch(rows, &kept).expect("rows")
        }
        _ => concat_batches(&rows.schema(), [rows, &rows.slice(row, 1)]).expect("rows"),
    }
}
