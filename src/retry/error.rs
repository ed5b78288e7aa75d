//! Why dead letters are not retried.

use std::io;

use crate::kafka::atomic::AtomicError;
use crate::kafka::topic_reader::ReadError;
use crate::view::At;

/// Why dead letters are not retried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The topic of dead letters cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The destination does not take a transaction.
    #[error("the destination: {0}; {AGAIN}")]
    Write(Box<AtomicError>),
    /// A stop was requested while the receipts were read.
    #[error("stopped before the first dead letter was retried")]
    Stopped,
    /// A repaired value is given, and several dead letters are chosen.
    #[error("--repaired is for one dead letter; name one of {}", positions(.0))]
    Several(Vec<At>),
    /// Whoever is told what becomes of each dead letter does not take it.
    #[error(transparent)]
    Told(#[from] io::Error),
}

impl From<AtomicError> for RetryError {
    fn from(error: AtomicError) -> RetryError {
        RetryError::Write(Box::new(error))
    }
}

const AGAIN: &str = "call it again: what is retried is not retried twice";

fn positions(positions: &[At]) -> String {
    let positions: Vec<String> = positions.iter().map(ToString::to_string).collect();
    positions.join(", ")
}
