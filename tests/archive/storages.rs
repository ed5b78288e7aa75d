use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use watchbell::archive::{AppendError, Storage, StorageError, Table, TableError, TableKind};

use super::s3::{Behavior, S3};
use super::{append, events, partition};

/// Four writers that all believe to own a partition, on a server that behaves so.
async fn append_by_four(behavior: Behavior) {
    let s3 = S3::start(behavior);
    let storage = Storage::open("s3://archive/some/prefix", &s3.options()).unwrap();
    let events = events();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (storage, events) = (storage.clone(), events.clone());
            tokio::spawn(async move {
                let (mut committed, mut failed) = (0, 0);
                let mut table = None;
                for _ in 0..8 {
                    let mut opened = match table.take() {
                        Some(table) => table,
                        None => match Table::open(&storage, TableKind::Events).await {
                            Ok(table) => table,
                            Err(_) => continue,
                        },
                    };
                    match append(&mut opened, &events, 7).await {
                        Ok(()) => committed += 7,
                        Err(AppendError::Moved(_) | AppendError::Table(_)) => failed += 1,
                    }
                    // What is not refreshed is forgotten.
                    table = opened.refresh().await.is_ok().then_some(opened);
                }
                (committed, failed)
            })
        })
        .collect();
    let (mut committed, mut failed) = (0, 0);
    for writer in writers {
        let counts: (i64, i64) = writer.await.unwrap();
        committed += counts.0;
        failed += counts.1;
    }
    println!("  {behavior:?}: {committed} rows known to be committed, {failed} batches failed");
    assert!(committed > 0 && failed > 0);
    let (next, offsets) = loop {
        if let Ok(found) = offsets(&storage).await {
            break found;
        }
    };
    // Every record once, whatever was answered; more are there than are known to be.
    assert_eq!(offsets, (0..next).collect::<Vec<_>>());
    assert!(next >= committed, "{next} of {committed}");
    if behavior == Behavior::Honest {
        assert_eq!(next, committed);
    }
}

/// The position of the partition, and the offsets of the rows of the same snapshot.
async fn offsets(storage: &Storage) -> Result<(i64, Vec<i64>), TableError> {
    let mut table = Table::open(storage, TableKind::Events).await?;
    let next = table
        .progress(&partition())
        .await?
        .map_or(0, |at| at.next.0);
    let mut offsets = Vec::new();
    for file in table.entries() {
        let bytes = table.read(&file, 0..file.size).await?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .unwrap()
            .build()
            .unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            offsets.extend(batch["offset"].as_primitive::<Int64Type>().values());
        }
    }
    offsets.sort_unstable();
    Ok((next, offsets))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_writers_that_believe_to_own_a_partition_append_every_record_once() {
    append_by_four(Behavior::Honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_that_fails_and_loses_answers_every_record_is_there_once() {
    append_by_four(Behavior::Failing).await;
}

#[tokio::test]
async fn a_storage_that_ignores_conditional_writes_is_refused() {
    let s3 = S3::start(Behavior::Ignoring);
    let storage = Storage::open("s3://archive/some/prefix", &s3.options()).unwrap();
    let refused = storage.probe().await.unwrap_err();
    assert!(
        matches!(refused, StorageError::Unconditional(_)),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains("s3://archive/some/prefix/ ignores conditional writes"),
        "{refused}"
    );
    let honest = S3::start(Behavior::Honest);
    Storage::open("s3://archive/some/prefix", &honest.options())
        .unwrap()
        .probe()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_storage_that_cannot_be_used_says_why() {
    let s3 = S3::start(Behavior::Honest);
    let missing = Storage::open("s3://no-such-bucket/x", &s3.options()).unwrap();
    let Err(StorageError::Request { doing, answer, .. }) = missing.probe().await else {
        panic!("a bucket that does not exist");
    };
    assert_eq!(doing, "write");
    assert!(
        answer.to_string().contains("NoSuchBucket") || answer.to_string().contains("not found"),
        "{answer}"
    );
    let refused = Storage::open("ftp://host/x", &[]).unwrap_err().to_string();
    assert!(
        refused.contains("ftp://host/x") && refused.contains("s3://"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_and_a_storage_that_is_full_are_told_in_words_and_nothing_is_lost_or_doubled()
 {
    let mut s3 = S3::start(Behavior::Honest);
    let storage = Storage::open("s3://archive/some/prefix", &s3.options()).unwrap();
    let mut table = Table::open(&storage, TableKind::Events).await.unwrap();
    let events = events();
    append(&mut table, &events, 7).await.unwrap();
    for (behavior, expected) in [
        (Behavior::Unlistable, "s3:ListBucket"),
        (Behavior::ReadOnly, "s3:PutObject"),
        (Behavior::Full, "the storage has no room left"),
        (Behavior::Only("another"), "have expired (ExpiredToken)"),
    ] {
        s3.behave(behavior);
        let told = append(&mut table, &events, 7)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            told.contains(expected) && !told.contains("Kernel"),
            "{told}"
        );
        s3.behave(Behavior::Honest);
        table.refresh().await.unwrap();
        append(&mut table, &events, 7).await.unwrap();
    }
    // Who may not list, may not open.
    s3.behave(Behavior::Unlistable);
    let told = match Table::open(&storage, TableKind::Events).await {
        Ok(_) => panic!("it was listed"),
        Err(error) => error.to_string(),
    };
    let expected = "the table events: the storage does not allow to list objects; give the archive's credentials the \
                    right s3:ListBucket";
    assert_eq!(told, expected);
    // Who may not delete, appends all the same, also where a checkpoint is due.
    s3.behave(Behavior::Undeletable);
    for _ in 0..60 {
        append(&mut table, &events, 1).await.unwrap();
    }
    let later = jiff::Timestamp::now().as_millisecond() + 3 * 24 * 60 * 60 * 1_000;
    for told in [
        table.vacuum(later).await.map(drop),
        table.shorten_log(later).await.map(drop),
    ] {
        let told = told.unwrap_err().to_string();
        assert!(told.ends_with("the right s3:DeleteObject"), "{told}");
    }
    // Who may only read, reads.
    s3.behave(Behavior::ReadOnly);
    let all: Vec<i64> = (0..95).collect();
    assert_eq!(offsets(&storage).await.unwrap(), (95, all));
    let read = Table::open_to_read(&storage, TableKind::Events).await;
    assert!(read.unwrap().is_some());
}
