//! A data file whose row groups are read by their columns: only the bytes of the columns that are wanted are read.

use std::io::Read;

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use super::encode_error::EncodeError;
use super::footer::footer;
use super::ranges::{Part, Ranges};

/// Which columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// Those with these names.
    Columns(&'static [&'static str]),
}

impl Wanted {
    fn has(self, column: &str) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Columns(names) => names.contains(&column),
        }
    }
}

/// A data file with its footer.
pub struct OpenFile<'f> {
    ranges: &'f dyn Ranges,
    metadata: ArrowReaderMetadata,
}

impl<'f> OpenFile<'f> {
    /// Reads the footer.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(ranges: &'f dyn Ranges) -> Result<OpenFile<'f>, EncodeError> {
        let metadata = footer(ranges, PageIndexPolicy::Skip)?;
        Ok(OpenFile { ranges, metadata })
    }

    /// How many row groups it has.
    pub fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    fn group(&self, number: usize) -> &RowGroupMetaData {
        self.metadata.metadata().row_group(number)
    }

    /// The smallest and the largest number in a column of a row group; `None` if that is not known.
    /// `Some(None)` if the group has no number in it.
    pub fn range(&self, group: usize, column: &str) -> Option<Option<(i64, i64)>> {
        let group = self.group(group);
        let mut columns = group.columns().iter();
        let found = columns.find(|one| one.column_path().parts() == [column])?;
        let Some(Statistics::Int64(numbers)) = found.statistics() else {
            return None;
        };
        let rows = u64::try_from(group.num_rows()).ok()?;
        if numbers.null_count_opt() == Some(rows) {
            return Some(None);
        }
        Some(Some((*numbers.min_opt()?, *numbers.max_opt()?)))
    }

    /// The rows of a row group.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows(
        &self,
        group: usize,
        wanted: Wanted,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, EncodeError>> + use<>, EncodeError> {
        let mut parts = Vec::new();
        let mut leaves = Vec::new();
        for (leaf, column) in self.group(group).columns().iter().enumerate() {
            let path = column.column_path().parts();
            if path.first().is_some_and(|name| wanted.has(name)) {
                let (start, length) = column.byte_range();
                parts.push(start..start + length);
                leaves.push(leaf);
            }
        }
        parts.sort_by_key(|part| part.start);
        let mut joined: Vec<std::ops::Range<u64>> = Vec::new();
        for part in parts {
            match joined.last_mut() {
                Some(last) if last.end >= part.start => last.end = last.end.max(part.end),
                _ => joined.push(part),
            }
        }
        let parts = joined.into_iter().map(|part| Part::read(self.ranges, part));
        let parts = Parts {
            size: self.ranges.size(),
            parts: parts.collect::<Result<_, _>>()?,
        };
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(schema, leaves);
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(parts, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .build()?;
        Ok(reader.map(|rows| Ok(rows?)))
    }
}

/// The parts of a file that were read.
struct Parts {
    size: u64,
    parts: Vec<Part>,
}

impl Parts {
    fn of(&self, start: u64) -> Result<&Part, ParquetError> {
        let mut parts = self.parts.iter().rev();
        let missing = || ParquetError::EOF(format!("byte {start} of a data file was not read"));
        parts.find(|part| part.start() <= start).ok_or_else(missing)
    }
}

impl Length for Parts {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Parts {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.of(start)?.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.of(start)?.get_bytes(start, length)
    }
}
