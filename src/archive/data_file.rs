//! Rows as Parquet files, one for each day, sorted by time.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};

use super::columns::TableKind;
use super::encode_error::EncodeError;
use super::file_properties::GROUP_ROWS;
use super::file_writer::FileWriter;
use super::statistics::statistics;

/// A data file that is not stored yet.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// The day of all its rows, in days since the Unix epoch.
    pub day: i32,
    /// The file.
    pub parquet: Vec<u8>,
    /// The statistics of its rows for the Delta log, JSON.
    pub statistics: String,
}

/// A file for each day of these rows.
///
/// # Errors
/// The rows are not those of the table.
pub fn data_files(kind: TableKind, rows: &RecordBatch) -> Result<Vec<DataFile>, EncodeError> {
    let days = rows.column(0).as_primitive::<Date32Type>().values();
    let times = rows
        .column(1)
        .as_primitive::<TimestampMicrosecondType>()
        .values();
    let mut order: Vec<u32> = (0..).take(rows.num_rows()).collect();
    // Stable, so that the records of a partition keep their order where times are equal.
    order.sort_by_key(|row| times[*row as usize]);
    let of_one_day = order.chunk_by(|a, b| days[*a as usize] == days[*b as usize]);
    let files = of_one_day.map(|rows_of_day| {
        let day = days[rows_of_day[0] as usize];
        data_file(kind, rows, day, rows_of_day)
    });
    files.collect()
}

fn data_file(
    kind: TableKind,
    rows: &RecordBatch,
    day: i32,
    order: &[u32],
) -> Result<DataFile, EncodeError> {
    let stored: Vec<usize> = (1..rows.num_columns()).collect();
    let stored = [rows.project(&stored)?];
    let mut file = FileWriter::new(kind, order.len(), Vec::new())?;
    let of_batch: Vec<(usize, usize)> = order.iter().map(|row| (0, *row as usize)).collect();
    for group in of_batch.chunks(GROUP_ROWS) {
        file.write(&stored, group)?;
    }
    let order = UInt32Array::from_iter_values(order.iter().copied());
    Ok(DataFile {
        day,
        parquet: file.writer.into_inner()?,
        statistics: statistics(kind, rows, &order)?,
    })
}
