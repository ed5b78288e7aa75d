//! What a record costs in the archive, on one thread and without Kafka and storage: its row, its share of a file, and its
//! share of a merged file.

use std::collections::BTreeMap;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use watchbell::archive::{
    DataFile, GROUP_ROWS, Ranges, RowMemory, Rows, Storage, Table, TableKind, data_files, merge,
    merged_statistics,
};
use watchbell::event::{Offset, Output, Partition, Position, RawRecord};
use watchbell::json::Memory;
use watchbell::query::archive::{
    Attribute, Conditions, Engine, Found, Grouping, cells, record_columns,
};
use watchbell::view::Emitted;

use crate::corpus::Corpus;
use crate::normalized;

/// Bytes of rows in a file, as by default.
const BATCH_BYTES: usize = 64 * 1024 * 1024;

/// Files that are merged.
const MERGED: usize = 4;

/// A file in memory.
struct InMemory(Bytes);

impl Ranges for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let at = |at: u64| usize::try_from(at).map_err(io::Error::other);
        Ok(self.0.slice(at(range.start)?..at(range.end)?))
    }
}

/// Prints the costs for so many events, as they stand in the events topic.
pub fn run(events: usize) {
    let mut values = Vec::new();
    let mut keep = |_, output: Output<'_>| values.extend(output.value.map(<[u8]>::to_vec));
    normalized::outputs(&mut Corpus::new(1), events.min(20_000), &mut keep);
    let mut rows = Rows::with_room(TableKind::Events, BATCH_BYTES);
    let memory = Memory::default();
    let mut files: Vec<DataFile> = Vec::new();
    let (mut in_rows, mut in_files, mut bytes_in) = (0, 0, 0);
    for (number, value) in values.iter().cycle().take(events).enumerate() {
        let started = Instant::now();
        let record = RawRecord {
            position: Position {
                topic: "watchbell.events",
                partition: Partition(0),
                offset: Offset(number as i64),
                element: None,
            },
            timestamp_ms: Some(1_793_500_000_000),
            key: None,
            value: Some(value),
            headers: Vec::new(),
        };
        rows.push(&Emitted::new_in(Some(&memory), record));
        in_rows += started.elapsed().as_nanos();
        bytes_in += value.len();
        let is_full = rows.bytes() >= BATCH_BYTES || rows.len() >= GROUP_ROWS;
        if is_full || number + 1 == events {
            let started = Instant::now();
            let batch = rows.take().expect("rows");
            files.extend(data_files(TableKind::Events, &batch).expect("files"));
            rows.reuse(RowMemory::of(batch));
            in_files += started.elapsed().as_nanos();
        }
    }
    let stored: usize = files.iter().map(|file| file.parquet.len()).sum();
    // Files of one day, as far as there are enough.
    let day = files.iter().map(|file| file.day).max().unwrap_or_default();
    let of_day = files.iter().filter(|file| file.day == day).take(MERGED);
    let sources: Vec<InMemory> = of_day
        .map(|file| InMemory(file.parquet.clone().into()))
        .collect();
    let sources: Vec<&dyn Ranges> = sources.iter().map(|file| file as &dyn Ranges).collect();
    let started = Instant::now();
    let mut merged = Vec::new();
    let rows = merge(TableKind::Events, &sources, &mut merged).expect("a merged file");
    let in_merge = started.elapsed().as_nanos();
    println!(
        "{events} events of {} bytes in {} files: a row {} ns, its file {} ns, merging {} ns; {:.2} bytes stored of 10 \
         bytes of JSON",
        bytes_in / events,
        files.len(),
        in_rows / events as u128,
        in_files / events as u128,
        in_merge / u128::from(rows.max(1)),
        10.0 * stored as f64 / bytes_in as f64,
    );
}

/// Days of the events that [`fill`] writes.
const DAYS: usize = 90;

/// The first of these days: 2026-08-01.
const FIRST_DAY: i64 = 20_666;

const DAY_MS: i64 = 86_400_000;

/// Write an archive of so many seeded events of 90 days to a folder, compacted, a file for each day.
pub fn fill(folder: &Path, events: usize) {
    std::fs::create_dir_all(folder).expect("a folder");
    let url = format!(
        "file://{}",
        folder.canonicalize().expect("a path").display()
    );
    let storage = Storage::open(&url, &[]).expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let table = runtime.block_on(Table::open(&storage, TableKind::Events));
    let table = Mutex::new(table.expect("a table"));
    let next_day = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().expect("cores").get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let day = next_day.fetch_add(1, Ordering::Relaxed);
                    if day >= DAYS {
                        return;
                    }
                    let file = day_file(day, events / DAYS);
                    let mut table = table.lock().expect("a table");
                    let positions = BTreeMap::new();
                    let appended = table.append(vec![file], &positions);
                    runtime.block_on(appended).expect("a commit");
                }
            });
        }
    });
    println!("{} events in {url}", events / DAYS * DAYS);
}

/// The file of a day.
fn day_file(day: usize, events: usize) -> DataFile {
    let number = FIRST_DAY + day as i64;
    let step_ms = DAY_MS / events as i64;
    let mut corpus = Corpus::new(day as u64 + 1).at(number * DAY_MS - 1, step_ms);
    let (mut rows, mut files, mut offset) = (Rows::new(TableKind::Events), Vec::new(), 0);
    let mut cut = |rows: &mut Rows| {
        let batch = rows.take().expect("rows");
        files.extend(data_files(TableKind::Events, &batch).expect("files"));
    };
    normalized::outputs(&mut corpus, events, &mut |time_ms, output| {
        let record = RawRecord {
            position: Position {
                topic: "watchbell.events",
                partition: Partition(0),
                offset: Offset((day * events + offset) as i64),
                element: None,
            },
            timestamp_ms: Some(time_ms),
            key: None,
            value: output.value,
            headers: Vec::new(),
        };
        offset += 1;
        rows.push(&Emitted::new(record));
        if rows.bytes() >= BATCH_BYTES {
            cut(&mut rows);
        }
    });
    cut(&mut rows);
    let files: Vec<DataFile> = files
        .into_iter()
        .filter(|file| i64::from(file.day) == number)
        .collect();
    let statistics: Vec<_> = files
        .iter()
        .map(|file| serde_json::from_str(&file.statistics).expect("JSON"))
        .collect();
    let sources: Vec<InMemory> = files
        .into_iter()
        .map(|file| InMemory(file.parquet.into()))
        .collect();
    let sources: Vec<&dyn Ranges> = sources.iter().map(|file| file as &dyn Ranges).collect();
    let mut merged = Vec::new();
    merge(TableKind::Events, &sources, &mut merged).expect("a merged file");
    DataFile {
        day: number as i32,
        parquet: merged,
        statistics: merged_statistics(&statistics),
    }
}

/// Ask the archive in a folder some questions, each several times.
pub fn ask(folder: &Path, rounds: usize) {
    let url = format!(
        "file://{}",
        folder.canonicalize().expect("a path").display()
    );
    let storage = Storage::open(&url, &[]).expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let open = || {
        let table = runtime.block_on(Table::open_existing(&storage, TableKind::Events));
        let mut engine = Engine::new(512 << 20).expect("an engine");
        engine
            .add(&table.expect("a table").expect("a table"), &[])
            .expect("a table");
        engine
    };
    let collect = |engine: &Engine, sql: &str| {
        let rows = async { engine.sql(sql).await?.collect().await };
        runtime.block_on(rows).expect("an answer")
    };
    let sample = collect(
        &open(),
        "SELECT event_id, actor_uid FROM events WHERE day = '2026-09-01' AND actor_uid IS NOT NULL LIMIT 1",
    );
    let cell = |column: usize| {
        cells(&sample[0]).expect("texts")[0][column]
            .clone()
            .expect("a text")
    };
    let (id, actor) = (cell(0), cell(1));
    let of = |attributes: &[(Attribute, &str)]| Conditions {
        attributes: attributes
            .iter()
            .map(|(attribute, value)| (*attribute, vec![(*value).to_owned()]))
            .collect(),
        ..Conditions::default()
    };
    // 2026-09-10.
    let day_ms = 20_706 * DAY_MS;
    let questions = [
        ("an event id", of(&[(Attribute::EventId, &id)])),
        (
            "a day with three conditions",
            Conditions {
                from_ms: Some(day_ms),
                to_ms: Some(day_ms + DAY_MS),
                ..of(&[
                    (Attribute::Operation, "kafka.Create*"),
                    (Attribute::Status, "success"),
                    (Attribute::Environment, "env-q7x03k"),
                ])
            },
        ),
        (
            "the newest fifty of an actor",
            of(&[(Attribute::Actor, &actor)]),
        ),
        ("the newest fifty", of(&[])),
    ];
    for (name, conditions) in &questions {
        print!("{name}:");
        for _ in 0..rounds {
            drop_caches();
            let mut rows = 0;
            let engine = open();
            let ask = |rows: &mut usize| {
                let started = Instant::now();
                let mut found = |found: &Found| {
                    *rows += found.rows.num_rows();
                    ControlFlow::Continue(())
                };
                let columns = record_columns(TableKind::Events);
                let answer =
                    engine.newest(TableKind::Events, conditions, Some(50), columns, &mut found);
                runtime.block_on(answer).expect("an answer");
                started.elapsed().as_millis()
            };
            let (cold, warm) = (ask(&mut rows), ask(&mut rows));
            print!(" {cold} ms cold, {warm} ms warm ({} rows);", rows / 2);
        }
        println!();
    }
    print!("by actor and operation:");
    for _ in 0..rounds {
        drop_caches();
        let engine = open();
        let by = ["actor_uid", "operation"];
        let by = by.map(|name| Grouping::of(TableKind::Events, name).expect("a column"));
        let conditions = of(&[]);
        let ask = || {
            let started = Instant::now();
            let groups = async {
                let groups = engine
                    .count_by(TableKind::Events, &conditions, &by, Some(50))
                    .await?;
                groups.collect().await
            };
            runtime.block_on(groups).expect("an answer");
            started.elapsed().as_millis()
        };
        let (cold, warm) = (ask(), ask());
        print!(" {cold} ms cold, {warm} ms warm;");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("\n{}", peak.unwrap_or_default());
}

/// Forget what the system remembers of files, as far as it lets us.
fn drop_caches() {
    let _ = std::process::Command::new("sync").status();
    let _ = std::fs::write("/proc/sys/vm/drop_caches", "3");
}
