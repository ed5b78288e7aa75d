//! The footer of a data file: which row groups it has, and where their columns are.

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;

use super::encode_error::EncodeError;
use super::ranges::{Part, Ranges};

/// Bytes at the end of a file that are read first: the footer of most files.
const FOOTER_BYTES: u64 = 256 * 1024;

/// Reads the footer of a file.
///
/// # Errors
/// The file cannot be read, or is no Parquet file.
pub(super) fn footer(
    ranges: &dyn Ranges,
    index: PageIndexPolicy,
) -> Result<ArrowReaderMetadata, EncodeError> {
    let options = || ArrowReaderOptions::new().with_offset_index_policy(index);
    let start = ranges.size().saturating_sub(FOOTER_BYTES);
    let tail = Part::read(ranges, start..ranges.size())?;
    Ok(match ArrowReaderMetadata::load(&tail, options()) {
        Ok(metadata) => metadata,
        // The footer is longer than what was read.
        Err(_) => {
            let whole = Part::read(ranges, 0..ranges.size())?;
            ArrowReaderMetadata::load(&whole, options())?
        }
    })
}
