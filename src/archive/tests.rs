use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::day::DAY_MS;
use super::*;
use crate::event::{Header, NextOffset, Offset, Partition, Position, RawRecord, file_topic};
use crate::view::Emitted;

const TOPIC: &str = "watchbell.events";

/// An event at an offset, as ingest writes it; two in three happened on the first of two days.
fn event(offset: i64) -> String {
    let day = if offset % 3 == 0 { 86_400_000 } else { 0 };
    format!(
        r#"{{"class_uid":6003,"class_name":"API Activity","activity_name":"Delete","time":{},"status":"Success","metadata":{{"uid":"id-{offset}","labels":["access:write","sensitivity:high"],"log_name":"confluent-cloud-v2"}},"actor":{{"user":{{"uid":"u-{}"}}}},"api":{{"operation":"DeleteStatement","service":{{"name":"flink"}}}},"resources":[{{"uid":"s-1","type":"STATEMENT"}},{{"name":"env"}}],"unmapped":{{"a":null}}}}"#,
        1_773_480_413_589 + day - offset,
        offset % 7,
    )
}

/// The rows of these offsets of a partition.
fn rows(partition: i32, offsets: std::ops::Range<i64>) -> Rows {
    let mut rows = Rows::new(TableKind::Events);
    for offset in offsets {
        let value = event(offset);
        let record = RawRecord {
            position: Position {
                topic: TOPIC,
                partition: Partition(partition),
                offset: Offset(offset),
                element: None,
            },
            ..RawRecord::of_value(TOPIC, value.as_bytes())
        };
        rows.push(&Emitted::new(record));
    }
    rows
}

fn of(partition: i32) -> TopicPartition {
    TopicPartition {
        group: "g".into(),
        topic: TOPIC.into(),
        partition: Partition(partition),
    }
}

/// Read on from the table's position and append, as often as it takes.
async fn append(table: &mut Table, partition: i32, count: i64) -> Result<(), AppendError> {
    let from = table.progress(&of(partition)).await?.map(|at| at.next);
    append_from(table, partition, from, count).await
}

async fn append_from(
    table: &mut Table,
    partition: i32,
    from: Option<NextOffset>,
    count: i64,
) -> Result<(), AppendError> {
    let first = from.map_or(0, |next| next.0);
    let batch = rows(partition, first..first + count).take().unwrap();
    let files = data_files(TableKind::Events, &batch).unwrap();
    let to = Progress {
        next: NextOffset(first + count),
        last: 7,
    };
    let positions = BTreeMap::from([(of(partition), Advance { from, to })]);
    table.append(files, &positions).await
}

/// How often each offset of each partition is in the files of the table's newest snapshot.
fn stored(storage: &Storage, table: &Table) -> BTreeMap<(i32, i64), usize> {
    let root = storage.url().to_file_path().unwrap().join("events");
    let mut found = BTreeMap::new();
    for entry in table.entries() {
        let file = fs::File::open(root.join(entry.path)).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap()
        {
            let batch = batch.unwrap();
            let number = |name: &str| batch.column_by_name(name).unwrap().clone();
            let partitions = number("partition");
            let offsets = number("offset");
            let partitions = partitions.as_primitive::<Int32Type>().values();
            let offsets = offsets.as_primitive::<Int64Type>().values();
            for (partition, offset) in partitions.iter().zip(offsets) {
                *found.entry((*partition, *offset)).or_default() += 1;
            }
        }
    }
    found
}

/// A data file in memory.
struct InMemory(bytes::Bytes);

impl Ranges for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: std::ops::Range<u64>) -> std::io::Result<bytes::Bytes> {
        Ok(self.0.slice(range.start as usize..range.end as usize))
    }
}

#[test]
fn merged_files_hold_the_same_rows_in_fewer_row_groups_with_their_bloom_filters() {
    // Small row groups that are sorted together, and a large one that is copied.
    let offsets = [
        0..300,
        300..330,
        330..20_330,
        20_330..20_331,
        20_331..21_000,
    ];
    let files = offsets.map(|offsets| {
        let batch = rows(0, offsets).take().unwrap();
        data_files(TableKind::Events, &batch).unwrap().remove(0)
    });
    let sources = files
        .each_ref()
        .map(|file| InMemory(file.parquet.clone().into()));
    let sources = sources.each_ref().map(|source| source as &dyn Ranges);
    let mut merged = Vec::new();
    let merged_rows = merge(TableKind::Events, &sources, &mut merged).unwrap();
    let expected: Vec<i64> = (0..21_000).filter(|offset| offset % 3 != 0).collect();
    assert_eq!(merged_rows, expected.len() as u64);
    let bytes = bytes::Bytes::from(merged);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let groups = reader.metadata().row_groups();
    let sizes: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    for group in groups {
        let bloom = group
            .columns()
            .iter()
            .filter(|column| column.bloom_filter_offset().is_some());
        assert_eq!(bloom.count(), 5);
        let ids = group
            .columns()
            .iter()
            .find(|column| column.column_path().string() == "event_id");
        let bloom = parquet::bloom_filter::Sbbf::read_from_column_chunk(ids.unwrap(), &bytes);
        let bloom = bloom.unwrap().unwrap();
        assert!(!bloom.check("id-21001") && !bloom.check("never"));
    }
    let mut found: Vec<i64> = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let offsets = batch["offset"].as_primitive::<Int64Type>();
        let texts = batch["event"].as_string::<i32>();
        for row in 0..batch.num_rows() {
            assert_eq!(texts.value(row), event(offsets.value(row)));
        }
        found.extend(offsets.values());
    }
    found.sort_unstable();
    assert_eq!(found, expected);
    let statistics = files
        .each_ref()
        .map(|file| serde_json::from_str(&file.statistics).unwrap());
    let merged: serde_json::Value = serde_json::from_str(&merged_statistics(&statistics)).unwrap();
    let whole = rows(0, 0..21_000).take().unwrap();
    let whole = data_files(TableKind::Events, &whole).unwrap().remove(0);
    let whole: serde_json::Value = serde_json::from_str(&whole.statistics).unwrap();
    assert_eq!(merged, whole);
}

fn storage(folder: &Path) -> Storage {
    Storage::open(&format!("file://{}", folder.display()), &[]).unwrap()
}

#[tokio::test]
async fn a_folder_honours_conditional_writes() {
    let folder = tempfile::tempdir().unwrap();
    storage(folder.path()).probe().await.unwrap();
    let left: Vec<_> = fs::read_dir(folder.path().join("_watchbell_probes"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn rows_are_sorted_by_time_and_each_file_is_of_one_day() {
    let batch = rows(0, 0..100).take().unwrap();
    let files = data_files(TableKind::Events, &batch).unwrap();
    let days: Vec<i32> = files.iter().map(|file| file.day).collect();
    assert_eq!(days, [20_526, 20_527]);
    let mut ids = BTreeSet::new();
    for file in &files {
        let bytes = bytes::Bytes::from(file.parquet.clone());
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let group = reader.metadata().row_group(0);
        let bloom = group
            .columns()
            .iter()
            .filter(|column| column.bloom_filter_offset().is_some());
        let bloom: Vec<String> = bloom.map(|column| column.column_path().string()).collect();
        assert_eq!(
            bloom,
            [
                "event_id",
                "actor_uid",
                "credential",
                "resource_uid.list.element",
                "request_id"
            ]
        );
        let ranged = group
            .columns()
            .iter()
            .filter(|column| column.statistics().is_some());
        let ranged: Vec<String> = ranged.map(|column| column.column_path().string()).collect();
        assert_eq!(
            ranged,
            [
                "time",
                "operation",
                "topic",
                "partition",
                "offset",
                "source_offset"
            ]
        );
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let times = batch["time"]
                .as_primitive::<TimestampMicrosecondType>()
                .values()
                .to_vec();
            assert!(times.is_sorted());
            let uids = batch["event_id"].as_string::<i32>();
            ids.extend(uids.iter().flatten().map(str::to_owned));
            let texts = batch["event"].as_string::<i32>();
            let offsets = batch["offset"].as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                assert_eq!(texts.value(row), event(offsets.value(row)));
            }
            let names = batch["resource_name"].as_list::<i32>().value(0);
            let names = names.as_string::<i32>();
            assert!(names.is_null(0));
            assert_eq!((names.len(), names.value(1)), (2, "env"));
            for (column, value) in [
                ("product", "confluent"),
                ("operation", "DeleteStatement"),
                ("access", "write"),
                ("sensitivity", "high"),
                ("service", "flink"),
            ] {
                assert_eq!(batch[column].as_string::<i32>().value(0), value, "{column}");
            }
        }
        let statistics: serde_json::Value = serde_json::from_str(&file.statistics).unwrap();
        assert_eq!(statistics["minValues"]["operation"], "DeleteStatement");
        assert_eq!(statistics["nullCount"]["operation"], 0);
    }
    assert_eq!(ids.len(), 100);
    let statistics: serde_json::Value = serde_json::from_str(&files[0].statistics).unwrap();
    assert_eq!(statistics["numRecords"], 66);
    assert_eq!(statistics["minValues"]["time"], "2026-03-14T09:26:53.491Z");
    assert_eq!(statistics["maxValues"]["offset"], 98);
}

#[tokio::test]
async fn rows_and_positions_are_there_together_and_a_moved_position_refuses_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut one = Table::open(&storage, TableKind::Events).await.unwrap();
    let mut two = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut one, 0, 10).await.unwrap();
    append(&mut one, 0, 10).await.unwrap();
    // The other one believes that nothing was read yet: its snapshot is older, and the commit in between is refused.
    let refused = append(&mut two, 0, 5).await;
    assert!(matches!(refused, Err(AppendError::Table(_))), "{refused:?}");
    two.refresh().await.unwrap();
    // Rows that were read from elsewhere than the position are refused, also against the newest snapshot.
    let refused = append_from(&mut two, 0, Some(NextOffset(10)), 5).await;
    assert!(matches!(refused, Err(AppendError::Moved(_))), "{refused:?}");
    append(&mut two, 0, 5).await.unwrap();
    // Another partition moves on beside it.
    append(&mut one, 1, 3).await.unwrap();
    let table = Table::open(&storage, TableKind::Events).await.unwrap();
    let found = stored(&storage, &table);
    let expected = (0..25)
        .map(|offset| (0, offset))
        .chain((0..3).map(|offset| (1, offset)));
    assert_eq!(found, expected.map(|key| (key, 1)).collect());
}

#[tokio::test]
async fn a_position_that_somebody_moved_before_a_commit_of_another_partition_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut one = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut one, 1, 5).await.unwrap();
    let mut two = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut two, 1, 5).await.unwrap();
    // This commit comes after that of the other one, whose position it does not name.
    append(&mut one, 0, 5).await.unwrap();
    let refused = append_from(&mut one, 1, Some(NextOffset(5)), 5).await;
    assert!(matches!(refused, Err(AppendError::Moved(_))), "{refused:?}");
    append(&mut one, 1, 5).await.unwrap();
    let found = stored(&storage, &one);
    let expected = (0..5)
        .map(|offset| (0, offset))
        .chain((0..15).map(|offset| (1, offset)));
    assert_eq!(found, expected.map(|key| (key, 1)).collect());
}

/// Writers that all believe to own the same partitions, tasks that are dropped in the middle of a commit, and tables
/// that are opened anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_believes_to_own_a_partition_every_record_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    Table::open(&storage, TableKind::Events).await.unwrap();
    let committed = Arc::new(AtomicUsize::new(0));
    let refused = Arc::new(AtomicUsize::new(0));
    let writers = (0..4).map(|writer: u64| {
        let (storage, committed, refused) = (storage.clone(), committed.clone(), refused.clone());
        tokio::spawn(async move {
            let mut seed = writer + 1;
            let mut random = move |below: u64| {
                // xorshift64
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed % below
            };
            let mut table = None;
            for _ in 0..25 {
                let mut opened = match table.take() {
                    Some(table) => table,
                    None => Table::open(&storage, TableKind::Events).await.unwrap(),
                };
                let partition = i32::try_from(random(2)).unwrap();
                let count = 1 + i64::try_from(random(20)).unwrap();
                // Some end in the middle, others whenever they are ready.
                let cut = match random(2) {
                    0 => Duration::from_millis(random(400)),
                    _ => Duration::from_secs(600),
                };
                let done = tokio::time::timeout(cut, append(&mut opened, partition, count)).await;
                match done {
                    Ok(Ok(())) => {
                        committed.fetch_add(1, Ordering::Relaxed);
                        table = Some(opened);
                    }
                    Ok(Err(_)) => {
                        refused.fetch_add(1, Ordering::Relaxed);
                        opened.refresh().await.unwrap();
                        table = Some(opened);
                    }
                    // Dropped in the middle, as by a kill: nobody knows whether it is there.
                    Err(_) => {}
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let (committed, refused) = (
        committed.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed),
    );
    assert!(
        committed > 10 && refused > 0,
        "{committed} committed, {refused} refused"
    );
    // One snapshot: what was dropped may still be committed.
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    let found = stored(&storage, &table);
    let mut expected = BTreeMap::new();
    for partition in 0..2 {
        let next = table
            .progress(&of(partition))
            .await
            .unwrap()
            .unwrap()
            .next
            .0;
        expected.extend((0..next).map(|offset| ((partition, offset), 1)));
    }
    let doubled: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

/// The merge of files of a table, committed.
async fn compact(table: &mut Table, files: &[FileEntry]) -> Result<(), AppendError> {
    let mut contents = Vec::new();
    for file in files {
        contents.push(InMemory(table.read(file, 0..file.size).await?));
    }
    let sources: Vec<&dyn Ranges> = contents.iter().map(|file| file as &dyn Ranges).collect();
    let mut merged = Vec::new();
    merge(TableKind::Events, &sources, &mut merged).unwrap();
    let statistics: Vec<_> = files.iter().map(|file| file.statistics.clone()).collect();
    let day = 20_526;
    let new = table
        .store(day, [merged.into()], merged_statistics(&statistics))
        .await?;
    table.replace("g/compactor", files, &[new]).await
}

#[tokio::test]
async fn of_two_compactions_at_once_the_second_is_refused_and_appends_go_on_beside_one() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut one = Table::open(&storage, TableKind::Events).await.unwrap();
    for _ in 0..8 {
        append(&mut one, 0, 6).await.unwrap();
    }
    let first_day = |table: &Table| -> Vec<FileEntry> {
        let files = table.entries().into_iter();
        files.filter(|file| file.day == "2026-03-14").collect()
    };
    let files = first_day(&one);
    assert_eq!(files.len(), 8);
    assert_eq!(due_merges(one.entries(), files[0].written_ms).len(), 2);
    // Both have planned the same; and others of the same snapshot.
    let mut two = Table::open(&storage, TableKind::Events).await.unwrap();
    let mut three = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut one, 0, 6).await.unwrap();
    compact(&mut two, &files[..4]).await.unwrap();
    for others in [&files[..4], &files[2..6], &files[4..]] {
        let refused = compact(&mut three, others).await;
        assert!(matches!(refused, Err(AppendError::Table(_))), "{refused:?}");
    }
    append(&mut one, 0, 6).await.unwrap();
    let table = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(first_day(&table).len(), 7);
    let found = stored(&storage, &table);
    assert_eq!(found, (0..60).map(|offset| ((0, offset), 1)).collect());
    // The next turn is free again.
    three.refresh().await.unwrap();
    let files = first_day(&three);
    compact(&mut three, &files).await.unwrap();
    let found = stored(&storage, &three);
    assert_eq!(found, (0..60).map(|offset| ((0, offset), 1)).collect());
    assert_eq!(
        three.progress(&of(0)).await.unwrap().unwrap().next,
        NextOffset(60)
    );
}

#[tokio::test]
async fn a_table_gets_the_columns_that_it_lacks_and_older_rows_are_null_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    // As a watchbell that knew fewer columns made it.
    let log = storage.log_store("events").unwrap();
    let fields = TableKind::Events.schema().fields()[..36].to_vec();
    shape::create_with(
        TableKind::Events,
        &log,
        &arrow::datatypes::Schema::new(fields),
    )
    .await
    .unwrap();
    let (one, two) = tokio::join!(
        Table::open(&storage, TableKind::Events),
        Table::open(&storage, TableKind::Events)
    );
    let (mut table, other) = (one.unwrap(), two.unwrap());
    for table in [&table, &other] {
        assert!(!table.has_unknown_columns());
        assert_eq!(table.columns(), TableKind::Events.columns().len());
    }
    table.refresh().await.unwrap();
    append(&mut table, 0, 3).await.unwrap();
    let newer = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(stored(&storage, &newer).len(), 3);
}

#[tokio::test]
async fn a_table_of_somebody_else_or_of_a_newer_watchbell_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    Table::open(&storage, TableKind::Events).await.unwrap();
    let log = folder
        .path()
        .join("events/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&log).unwrap();
    let version = format!(r#""watchbell.schema":"{}""#, shape::VERSION);
    assert!(text.contains(&version), "{text}");
    for (property, expected) in [
        (
            r#""watchbell.schema":"99""#,
            "has version 99 of its shape, and this watchbell knows 1",
        ),
        (
            r#""theirs":"1""#,
            "holds a Delta table that watchbell did not make",
        ),
    ] {
        fs::write(&log, text.replace(&version, property)).unwrap();
        let Err(refused) = Table::open(&storage, TableKind::Events).await else {
            panic!("{property}");
        };
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_during_merges_and_appends_sees_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut writer = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut writer, 0, 6).await.unwrap();
    let merges = tokio::spawn({
        let storage = storage.clone();
        async move {
            let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
            let mut merges = 0;
            while merges < 3 {
                table.refresh().await.unwrap();
                for files in due_merges(table.entries(), i64::MAX) {
                    if files[0].day == "2026-03-14" && compact(&mut table, &files).await.is_ok() {
                        merges += 1;
                    }
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let appends = tokio::spawn(async move {
        for _ in 0..30 {
            append(&mut writer, 0, 6).await.unwrap();
        }
    });
    let mut looks = 0;
    while looks < 5 || !merges.is_finished() || !appends.is_finished() {
        let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
        let next = table.progress(&of(0)).await.unwrap().unwrap().next.0;
        let expected = (0..next).map(|offset| ((0, offset), 1)).collect();
        assert_eq!(stored(&storage, &table), expected);
        looks += 1;
    }
    merges.await.unwrap();
    appends.await.unwrap();
}

#[tokio::test]
async fn what_was_never_committed_is_deleted_after_a_day_and_what_was_replaced_stays_that_long() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    for _ in 0..4 {
        append(&mut table, 0, 6).await.unwrap();
    }
    let old: Vec<FileEntry> = table.entries();
    let of_first_day: Vec<FileEntry> = old
        .iter()
        .filter(|file| file.day == "2026-03-14")
        .cloned()
        .collect();
    compact(&mut table, &of_first_day).await.unwrap();
    // One of a batch that was refused long ago, and one that is about to be committed.
    let day = folder.path().join("events/day=2026-03-14");
    let (orphan, young) = (day.join("orphan.parquet"), day.join("young.parquet"));
    for path in [&orphan, &young] {
        fs::write(path, b"PAR1").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    for path in old
        .iter()
        .map(|file| folder.path().join("events").join(&file.path))
        .chain([orphan.clone()])
    {
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    let now_ms = jiff::Timestamp::now().as_millisecond();
    // A clock that is years ahead is not borne out by the events, which are months old.
    let ahead = proven_ms(now_ms + 3_650 * DAY_MS, &table.entries()).unwrap();
    assert_eq!(table.vacuum(ahead).await.unwrap(), 0);
    assert_eq!(table.vacuum(now_ms).await.unwrap(), 1);
    assert!(!orphan.exists() && young.exists());
    for file in &old {
        assert!(
            folder.path().join("events").join(&file.path).exists(),
            "{}",
            file.path
        );
    }
    let table = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(
        stored(&storage, &table),
        (0..24).map(|offset| ((0, offset), 1)).collect()
    );
}

/// Checkpoints are written, and what they replace is deleted by the time that the caller says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_shortened_by_its_age_and_the_table_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    for _ in 0..60 {
        append(&mut table, 0, 1).await.unwrap();
    }
    let log = || {
        let files = fs::read_dir(folder.path().join("events/_delta_log")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<String>>()
    };
    let all = log();
    let checkpoints = all.iter().filter(|name| name.contains(".checkpoint."));
    assert_eq!(checkpoints.count(), 1, "{all:?}");
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let ahead = proven_ms(now_ms + 3_650 * DAY_MS, &table.entries()).unwrap();
    assert_eq!(table.shorten_log(ahead).await.unwrap(), 0);
    assert_eq!(table.shorten_log(now_ms).await.unwrap(), 0);
    assert_eq!(log(), all);
    assert_eq!(table.shorten_log(now_ms + 2 * DAY_MS).await.unwrap(), 49);
    // The process that wrote them goes on, and so does one that opens the table now.
    append(&mut table, 0, 1).await.unwrap();
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut table, 0, 1).await.unwrap();
    let all = (0..62).map(|offset| ((0, offset), 1)).collect();
    assert_eq!(stored(&storage, &table), all);
}

#[tokio::test]
async fn what_a_clock_behind_replaces_is_not_old_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut table, 0, 3).await.unwrap();
    let file = table.entries().remove(0);
    let years_ago = file.written_ms - 3_650 * DAY_MS;
    let stamp = |now: i64| file.removed(now).deletion_timestamp;
    assert_eq!(stamp(years_ago), Some(file.written_ms));
    assert_eq!(stamp(file.written_ms + 5), Some(file.written_ms + 5));
}

#[tokio::test]
async fn days_that_are_removed_are_gone_and_the_positions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut table, 0, 9).await.unwrap();
    let (old, kept): (Vec<_>, Vec<_>) = table
        .entries()
        .into_iter()
        .partition(|file| file.day == "2026-03-14");
    assert_eq!((old.len(), kept.len()), (1, 1));
    table.remove("g/compactor", &old, &[]).await.unwrap();
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(table.entries(), kept);
    assert_eq!(stored(&storage, &table).len(), 3);
    assert_eq!(
        table.progress(&of(0)).await.unwrap().unwrap().next,
        NextOffset(9)
    );
}

#[test]
fn a_policy_of_the_archive_hides_values_in_the_columns_and_in_the_json() {
    let policies = "[{name: people, fields: {actor.user: mask}, archive: [watchbell.events]}]";
    let (policies, problems) = crate::privacy::read(&crate::yaml::document(policies).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let event = br#"{"class_uid":6003,"time":1773480413000,"message":"u-5r7t9w deletes",
        "actor":{"user":{"uid":"u-5r7t9w","name":"Grace Hopper"}},"api":{"operation":"DeleteStatement"}}"#;
    let header = Header {
        name: "ce_subject",
        value: Some(b"User:u-5r7t9w"),
    };
    let record = RawRecord {
        key: Some(b"u-5r7t9w"),
        headers: vec![header],
        ..RawRecord::of_value("watchbell.events", event)
    };
    let mut rows = Rows::new(TableKind::Events);
    with_policy(Some(&policies[0]), None, record.clone(), |emitted| {
        assert_eq!(emitted.record.key, None);
        assert_eq!(emitted.record.headers[0].value, Some(&b"User:***"[..]));
        rows.push(emitted);
    });
    let no_json = RawRecord::of_value("watchbell.events", b"u-5r7t9w");
    with_policy(Some(&policies[0]), None, no_json, |emitted| {
        assert_eq!(emitted.record.value, None, "what is no JSON is left out");
        rows.push(emitted);
    });
    with_policy(None, None, record, |emitted| rows.push(emitted));
    let rows = rows.take().unwrap();
    let text = |name: &str, row: usize| rows[name].as_string::<i32>().value(row).to_owned();
    assert_eq!(text("actor_uid", 0), "***");
    assert_eq!(text("operation", 0), "DeleteStatement");
    let json = text("event", 0);
    assert!(
        !json.contains("5r7t9w") && !json.contains("Hopper"),
        "{json}"
    );
    assert!(rows["event"].is_null(1));
    assert_eq!(text("actor_uid", 2), "u-5r7t9w");
}

fn of_file(number: u8) -> TopicPartition {
    TopicPartition::of_file(file_topic(&[number; 32]).into())
}

/// The position of a file, and whether all of it was read.
async fn file_progress(table: &mut Table, number: u8) -> Option<(i64, u32)> {
    let progress = table.progress(&of_file(number)).await.unwrap();
    progress.map(|progress| (progress.next.0, progress.last))
}

async fn advance_file(
    table: &mut Table,
    number: u8,
    (next, last): (i64, u32),
) -> Result<(), AppendError> {
    let of = of_file(number);
    let from = table.progress(&of).await?.map(|progress| progress.next);
    let next = NextOffset(next);
    let to = Progress { next, last };
    let positions = BTreeMap::from([(of, Advance { from, to })]);
    table.append(Vec::new(), &positions).await
}

#[tokio::test]
async fn the_positions_of_files_are_read_from_checkpoints_and_from_the_commits_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(file_progress(&mut table, 0).await, None);
    let mut early = Table::open(&storage, TableKind::Events).await.unwrap();
    let mut expected = BTreeMap::new();
    for commit in 0..130_i64 {
        let (number, last) = ((commit % 7) as u8, u32::from(commit >= 120));
        advance_file(&mut table, number, (commit, last))
            .await
            .unwrap();
        expected.insert(number, (commit, last));
        if commit % 40 == 0 {
            append(&mut table, 0, 1).await.unwrap();
        }
    }
    let checkpoints = fs::read_dir(folder.path().join("events/_delta_log")).unwrap();
    let names = checkpoints.map(|file| file.unwrap().file_name().into_string().unwrap());
    let checkpoints = names.filter(|name| name.ends_with(".checkpoint.parquet"));
    assert_eq!(checkpoints.count(), 2);
    let fresh = Table::open(&storage, TableKind::Events).await.unwrap();
    early.refresh().await.unwrap();
    for mut table in [table, fresh, early] {
        for (number, progress) in &expected {
            let found = file_progress(&mut table, *number).await;
            assert_eq!(found, Some(*progress), "{number}");
            let known = table.app_transactions().await.unwrap();
            let whole = known.progress(&of_file(*number)).unwrap();
            assert_eq!(whole.next.0, progress.0);
        }
        assert_eq!(file_progress(&mut table, 7).await, None);
        // Those of topics are not among them.
        let of_topic = table.progress(&of(0)).await.unwrap();
        assert_eq!(of_topic.map(|progress| progress.next.0), Some(4));
    }
}

#[tokio::test]
async fn a_file_that_another_process_has_read_further_is_not_appended_again() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut one = Table::open(&storage, TableKind::Events).await.unwrap();
    let mut other = Table::open(&storage, TableKind::Events).await.unwrap();
    assert_eq!(file_progress(&mut one, 1).await, None);
    advance_file(&mut other, 1, (10, 0)).await.unwrap();
    assert!(advance_file(&mut one, 1, (10, 0)).await.is_err());
    one.refresh().await.unwrap();
    assert_eq!(file_progress(&mut one, 1).await, Some((10, 0)));
    advance_file(&mut one, 1, (20, 1)).await.unwrap();
    // Also where nothing was refreshed.
    let stale = advance_file(&mut other, 1, (15, 0)).await;
    assert!(stale.is_err());
    assert_eq!(file_progress(&mut one, 1).await, Some((20, 1)));
}

#[tokio::test]
async fn rows_for_a_snapshot_are_refused_after_any_other_commit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage(folder.path());
    let mut one = Table::open(&storage, TableKind::Events).await.unwrap();
    let mut other = Table::open(&storage, TableKind::Events).await.unwrap();
    append(&mut other, 0, 5).await.unwrap();
    let files = || {
        let batch = rows(1, 0..3).take().unwrap();
        data_files(TableKind::Events, &batch).unwrap()
    };
    let refused = one.append_to_snapshot(files(), &BTreeMap::new()).await;
    assert!(matches!(refused, Err(AppendError::Table(_))));
    one.refresh().await.unwrap();
    one.append_to_snapshot(files(), &BTreeMap::new())
        .await
        .unwrap();
    let found = stored(&storage, &one);
    assert_eq!(found.len(), 8);
    assert!(found.values().all(|count| *count == 1), "{found:?}");
}
