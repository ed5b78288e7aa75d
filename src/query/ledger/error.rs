//! Why the ledger cannot be followed.

use std::io;

use crate::archive::{EncodeError, StorageError, TableError};

/// The ledger cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The storage is not as it must be.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A table cannot be opened.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A data file cannot be read.
    #[error(transparent)]
    Read(#[from] EncodeError),
    /// The archive has no ledger.
    #[error(
        "{0} has no ledger yet: it begins with the first records that are read while there is an archive"
    )]
    NoLedger(String),
    /// A table is missing.
    #[error("there is no table {0}")]
    NoTable(&'static str),
    /// No threads can be started.
    #[error("start the async runtime: {0}")]
    Runtime(#[source] io::Error),
    /// Somebody has asked to stop.
    #[error("stopped before everything was compared")]
    Stopped,
}
