//! Merges the data files of one day into one. Row groups that are large enough are copied as they are, which costs
//! hardly any CPU; the rows of small ones are sorted by time together and written as larger ones. Memory holds the rows of
//! one new row group, or one old one as it is.

use std::io::{self, Write};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::columns::TableKind;
use super::encode_error::EncodeError;
use super::file_properties::GROUP_ROWS;
use super::file_writer::FileWriter;
use super::footer::footer;
use super::ranges::{Part, Ranges};

/// A row group with fewer rows is merged with others.
const SMALL_GROUP_ROWS: i64 = (GROUP_ROWS / 2) as i64;

/// A row group of one of the old files.
struct Group<'f> {
    file: &'f File<'f>,
    index: usize,
    rows: i64,
    first_time: i64,
}

/// An old file with its footer.
struct File<'f> {
    ranges: &'f dyn Ranges,
    metadata: ArrowReaderMetadata,
}

/// Merge the files, whose rows are of one day of a table, and write the new one to `to`; how many rows it has.
///
/// # Errors
/// A file cannot be read, or is not one of the table's, or the new one cannot be written.
pub fn merge(
    kind: TableKind,
    files: &[&dyn Ranges],
    to: impl Write + Send,
) -> Result<u64, EncodeError> {
    let files = files.iter().map(|ranges| File::open(*ranges));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let mut groups: Vec<Group<'_>> = files.iter().flat_map(File::groups).collect();
    groups.sort_by_key(|group| group.first_time);
    let mut output = Output::new(kind, to)?;
    let (mut small, mut small_rows) = (Vec::new(), 0);
    for group in groups {
        if group.rows >= SMALL_GROUP_ROWS && output.fits(&group) {
            output.copy(&group)?;
            continue;
        }
        small_rows += group.rows;
        small.push(group);
        if small_rows >= GROUP_ROWS as i64 {
            output.sort(&std::mem::take(&mut small))?;
            small_rows = 0;
        }
    }
    output.sort(&small)?;
    output.finish()
}

impl<'f> File<'f> {
    fn open(ranges: &'f dyn Ranges) -> Result<File<'f>, EncodeError> {
        let metadata = footer(ranges, PageIndexPolicy::Required)?;
        Ok(File { ranges, metadata })
    }

    fn groups(&'f self) -> impl Iterator<Item = Group<'f>> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.map(move |(index, group)| Group {
            file: self,
            index,
            rows: group.num_rows(),
            first_time: first_time(group),
        })
    }
}

impl Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.file.metadata.metadata().row_group(self.index)
    }

    /// The bytes of its columns and of their bloom filters.
    fn read(&self) -> io::Result<Part> {
        let (mut start, mut end) = (u64::MAX, 0);
        for column in self.metadata().columns() {
            let (from, length) = column.byte_range();
            start = start.min(from);
            end = end.max(from + length);
            let bloom = column
                .bloom_filter_offset()
                .zip(column.bloom_filter_length());
            if let Some((from, length)) = bloom {
                end = end.max(u64::try_from(from + i64::from(length)).unwrap_or(0));
            }
        }
        Part::read(self.file.ranges, start.min(end)..end)
    }

    fn batches(&self) -> Result<Vec<RecordBatch>, EncodeError> {
        let part = self.read()?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(part, self.file.metadata.clone())
                .with_row_groups(vec![self.index])
                .build()?;
        Ok(reader.collect::<Result<Vec<_>, _>>()?)
    }
}

/// The smallest time of a row group; the column of the time is the first one in a file.
fn first_time(group: &RowGroupMetaData) -> i64 {
    match group.columns().first().and_then(|time| time.statistics()) {
        Some(Statistics::Int64(times)) => times.min_opt().copied().unwrap_or(i64::MIN),
        _ => i64::MIN,
    }
}

/// The new file.
struct Output<W: Write + Send> {
    file: FileWriter<W>,
    rows: u64,
}

impl<W: Write + Send> Output<W> {
    fn new(kind: TableKind, to: W) -> Result<Output<W>, EncodeError> {
        Ok(Output {
            file: FileWriter::new(kind, GROUP_ROWS, to)?,
            rows: 0,
        })
    }

    /// Whether a row group has the same columns, so that it can be copied.
    fn fits(&self, group: &Group<'_>) -> bool {
        let own = self.file.writer.schema_descr();
        let others = group
            .file
            .metadata
            .metadata()
            .file_metadata()
            .schema_descr();
        own.root_schema().get_fields() == others.root_schema().get_fields()
    }

    fn copy(&mut self, group: &Group<'_>) -> Result<(), EncodeError> {
        let part = group.read()?;
        let mut writer = self.file.writer.next_row_group()?;
        let pages = group.file.metadata.metadata().offset_index();
        let pages = pages.and_then(|groups| groups.get(group.index));
        for (number, column) in group.metadata().columns().iter().enumerate() {
            let rows = u64::try_from(group.rows).unwrap_or_default();
            let bloom_filter = Sbbf::read_from_column_chunk(column, &part)?;
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).unwrap_or_default(),
                rows_written: rows,
                metadata: column.clone(),
                bloom_filter,
                column_index: None,
                offset_index: pages.and_then(|columns| columns.get(number)).cloned(),
            };
            writer.append_column(&part, close)?;
        }
        writer.close()?;
        self.file.written += 1;
        self.rows += u64::try_from(group.rows).unwrap_or_default();
        Ok(())
    }

    /// Write the rows of these groups sorted by time.
    fn sort(&mut self, groups: &[Group<'_>]) -> Result<(), EncodeError> {
        let mut batches = Vec::new();
        for group in groups {
            for batch in group.batches()? {
                batches.push(adapted(&self.file.schema, &batch)?);
            }
        }
        if batches.is_empty() {
            return Ok(());
        }
        let times = batches.iter().map(|rows| {
            let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
            times.values()
        });
        let times: Vec<_> = times.collect();
        // The number of the batch, and that of the row in it.
        let mut order: Vec<(usize, usize)> = times
            .iter()
            .enumerate()
            .flat_map(|(batch, times)| (0..times.len()).map(move |row| (batch, row)))
            .collect();
        order.sort_by_key(|(batch, row)| times[*batch][*row]);
        for order in order.chunks(GROUP_ROWS) {
            self.file.write(&batches, order)?;
            self.rows += order.len() as u64;
        }
        Ok(())
    }

    fn finish(self) -> Result<u64, EncodeError> {
        self.file.writer.into_inner()?.flush()?;
        Ok(self.rows)
    }
}

/// Rows with the columns of the table as it is now: those that old rows lack are null.
fn adapted(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch, EncodeError> {
    if rows.schema().fields() == schema.fields() {
        return Ok(rows.clone());
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(values) => values.clone(),
            None => arrow::array::new_null_array(field.data_type(), rows.num_rows()),
        });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}
