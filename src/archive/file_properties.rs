//! How data files are encoded: compressed with zstd, with bloom filters on the columns of ids. Row groups are small, so that
//! one event is read without its neighbours.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::column::{Column, ColumnType, Lookup};
use super::columns::TableKind;

/// Most rows of a row group.
pub const GROUP_ROWS: usize = 16_384;

/// Level of zstd: level 3 makes files 3.5 % smaller and takes half as long again, level 5 6.5 % and thrice as long.
const ZSTD_LEVEL: i32 = 1;

/// Bytes of whole records that are unpacked together, to read one of them. With the library's own megabyte files are 6 %
/// smaller, and records that are far from each other cost four times as much.
const PAYLOAD_PAGE: usize = 256 * 1024;

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
        .set_statistics_enabled(EnabledStatistics::None)
        .set_sorting_columns(sorted.map(|time| {
            vec![SortingColumn {
                column_idx: time,
                descending: false,
                nulls_first: false,
            }]
        }));
    for column in stored() {
        let path = path(column);
        properties = match column.lookup {
            Lookup::Exact => properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path.clone(), distinct),
            Lookup::Range => {
                properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::Chunk)
            }
            Lookup::Scan | Lookup::Payload => properties,
        };
        if column.lookup == Lookup::Payload {
            properties = properties.set_column_data_page_size_limit(path.clone(), PAYLOAD_PAGE);
        }
        if column.is_distinct || column.lookup == Lookup::Payload {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if matches!(column.kind, ColumnType::Long | ColumnType::Time) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
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
