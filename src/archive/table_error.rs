//! Why a table cannot be opened, read or written, in words that say what to do.

use deltalake_core::DeltaTableError;
use deltalake_core::logstore::LogStoreRef;

use super::answer::{in_words, meaning};
use super::columns::TableKind;
use super::damage::{Damage, of_log};
use super::shape;
use super::storage::StorageError;

/// A table cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The storage cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The Delta log cannot be read or written.
    #[error("the table {table}: {}", in_words(&fault.to_string()))]
    Delta {
        /// The name of the table.
        table: &'static str,
        /// What the library says.
        fault: Box<DeltaTableError>,
    },
    /// A file of the Delta log is damaged.
    #[error("the table {table} is damaged: {damage}")]
    Damaged {
        /// The name of the table.
        table: &'static str,
        /// Which file, and how.
        damage: Damage,
    },
    /// A data file cannot be stored.
    #[error("write {path}: {}", in_words(&answer.to_string()))]
    Write {
        /// The file, below the table's folder.
        path: String,
        /// The answer.
        answer: object_store::Error,
    },
    /// A data file cannot be read.
    #[error("read {path}: {}", in_words(&answer.to_string()))]
    Read {
        /// The file, below the table's folder.
        path: String,
        /// The answer.
        answer: object_store::Error,
    },
    /// The table was written by a newer watchbell.
    #[error(
        "the table {table} has version {found} of its shape, and this watchbell knows {}; \
         run the newer watchbell that wrote it",
        shape::VERSION
    )]
    Newer {
        /// The name of the table.
        table: &'static str,
        /// Its version.
        found: u32,
    },
    /// What is in the folder is not a table of watchbell's.
    #[error(
        "{0} holds a Delta table that watchbell did not make; give the archive a folder of its own"
    )]
    Foreign(String),
}

/// Rows were not appended. Forget them, and read again from where the table's positions are.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A partition was read further by somebody else; nothing was appended.
    #[error("{0} was read by another process meanwhile")]
    Moved(String),
    /// Whether they were appended is not known.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Why a log cannot be read: what the storage has answered, or which file of it is damaged.
pub(super) async fn unreadable(
    kind: TableKind,
    log: &LogStoreRef,
    fault: DeltaTableError,
) -> TableError {
    if meaning(&fault.to_string()).is_none()
        && let Ok(Some(damage)) = of_log(&log.object_store(None)).await
    {
        let table = kind.name();
        return TableError::Damaged { table, damage };
    }
    delta(kind)(fault)
}

/// What the library says of a table.
pub(super) fn delta(kind: TableKind) -> impl Fn(DeltaTableError) -> TableError + Copy {
    move |fault| TableError::Delta {
        table: kind.name(),
        fault: Box::new(fault),
    }
}
