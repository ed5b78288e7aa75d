//! Why rows do not become a data file.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

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
