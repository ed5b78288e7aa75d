//! Rows as Parquet files, one for each day: sorted by time, compressed with zstd, with bloom filters on the columns of
//! ids. Row groups are small, so that one event is read without its neighbours.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::column::{Column, ColumnType, Lookup};
use super::columns::TableKind;
use super::statistics::statistics;

/// Most rows of a row group.
pub const GROUP_ROWS: usize = 16_384;

/// Rows that are put in order at a time.
pub(super) const SORTED_ROWS: usize = 2_048;

/// Level of zstd: level 3 makes files 3.5 % smaller and takes half as long again, level 5 6.5 % and thrice as long.
const ZSTD_LEVEL: i32 = 1;

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

/// Rows could not be written as Parquet.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Rows could not be put in order.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// A file could not be written, or not be read.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// The storage did not give a file.
    #[error(transparent)]
    Read(#[from] std::io::Error),
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
    // The partition column stands in the path and in the Delta log, not in the file.
    let stored: Vec<usize> = (1..rows.num_columns()).collect();
    let stored = rows.project(&stored)?;
    let properties = properties(kind, order.len());
    let mut writer = ArrowWriter::try_new(Vec::new(), stored.schema(), Some(properties))?;
    for part in order.chunks(SORTED_ROWS) {
        let part = UInt32Array::from_iter_values(part.iter().copied());
        writer.write(&take_record_batch(&stored, &part)?)?;
    }
    let order = UInt32Array::from_iter_values(order.iter().copied());
    Ok(DataFile {
        day,
        parquet: writer.into_inner()?,
        statistics: statistics(kind, rows, &order)?,
    })
}

/// How the columns of a file with so many rows are written.
pub(super) fn properties(kind: TableKind, rows: usize) -> WriterProperties {
    let zstd = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    let distinct = u64::try_from(rows.min(GROUP_ROWS)).unwrap_or(u64::MAX);
    let stored = || {
        kind.columns()
            .iter()
            .filter(|column| column.kind != ColumnType::Day)
    };
    let time = stored().position(|column| column.kind == ColumnType::Time);
    let sorted = time.and_then(|time| i32::try_from(time).ok());
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("watchbell ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(sorted.map(|time| {
            vec![SortingColumn {
                column_idx: time,
                descending: false,
                nulls_first: false,
            }]
        }));
    for column in stored() {
        let path = path(column);
        properties = match (column.lookup, column.kind) {
            (Lookup::Exact, _) => properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path, distinct),
            (Lookup::Payload, _) => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None),
            (_, ColumnType::Long | ColumnType::Time) => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            _ => properties,
        };
    }
    properties.build()
}

/// The path of the column's values in Parquet.
fn path(column: &Column) -> ColumnPath {
    let name = column.name.to_owned();
    match column.kind {
        ColumnType::Texts => ColumnPath::new(vec![name, "list".into(), "element".into()]),
        _ => ColumnPath::new(vec![name]),
    }
}
