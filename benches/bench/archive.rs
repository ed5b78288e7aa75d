//! What a record costs in the archive, on one thread and without Kafka and storage: its row, its share of a file, and its
//! share of a merged file.

use std::io;
use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;
use watchbell::archive::{DataFile, Ranges, Rows, TableKind, data_files, merge};
use watchbell::event::{Offset, Partition, Position, RawRecord};
use watchbell::view::Emitted;

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

/// Prints the costs for these events, as they stand in the events topic.
pub fn run(values: &[Vec<u8>], events: usize) {
    let mut rows = Rows::new(TableKind::Events);
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
        rows.push(&Emitted::new(record));
        in_rows += started.elapsed().as_nanos();
        bytes_in += value.len();
        if rows.bytes() >= BATCH_BYTES || number + 1 == events {
            let started = Instant::now();
            let batch = rows.take().expect("rows");
            files.extend(data_files(TableKind::Events, &batch).expect("files"));
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
    let merged = merge(TableKind::Events, &sources).expect("a merged file");
    let in_merge = started.elapsed().as_nanos();
    println!(
        "{events} events of {} bytes in {} files: a row {} ns, its file {} ns, merging {} ns; {:.2} bytes stored of 10 \
         bytes of JSON",
        bytes_in / events,
        files.len(),
        in_rows / events as u128,
        in_files / events as u128,
        in_merge / u128::from(merged.rows.max(1)),
        10.0 * stored as f64 / bytes_in as f64,
    );
}
