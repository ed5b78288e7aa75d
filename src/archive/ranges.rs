//! Data files that are read in parts, so that none is in memory as a whole.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// A data file that can be read in parts.
pub trait Ranges: Send + Sync {
    /// Its size in bytes.
    fn size(&self) -> u64;

    /// These of its bytes.
    ///
    /// # Errors
    /// The storage does not give them.
    fn read(&self, range: Range<u64>) -> io::Result<Bytes>;
}

/// Bytes of a file from somewhere on, read by their offsets in the file.
pub(super) struct Part {
    start: u64,
    bytes: Bytes,
}

impl Part {
    pub(super) fn read(ranges: &dyn Ranges, range: Range<u64>) -> io::Result<Part> {
        Ok(Part {
            start: range.start,
            bytes: ranges.read(range)?,
        })
    }

    /// The offset of its first byte.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let at = start
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok());
        let at = at.filter(|at| *at <= self.bytes.len());
        let missing = || ParquetError::EOF(format!("byte {start} of a data file was not read"));
        at.map(|at| self.bytes.slice(at..)).ok_or_else(missing)
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(Box::new(io::Cursor::new(self.from(start)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let from = self.from(start)?;
        if from.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from byte {start} of a data file were not read"
            )));
        }
        Ok(from.slice(..length))
    }
}
