//! Why a command did not succeed, and the exit code for it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::anyhow;

use super::say::say;
use crate::kafka::topic_reader::ReadError;
use crate::query::QueryError;

/// As for arguments that the parser refuses.
const EXIT_USAGE: u8 = 2;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// The exit code that a shell reports for a process that SIGPIPE has killed.
const EXIT_CLOSED: u8 = 141;

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The configuration is invalid; one text for each fault.
    Configuration(Vec<String>),
    /// The arguments are invalid together, or with what they are about.
    Usage(String),
    /// Any other error.
    Failed(anyhow::Error),
    /// Standard output was closed.
    Closed,
}

impl Failure {
    pub(super) fn configuration<T: fmt::Display>(faults: impl IntoIterator<Item = T>) -> Failure {
        Failure::Configuration(faults.into_iter().map(|fault| fault.to_string()).collect())
    }

    /// The same failure after a note that says what was tried.
    pub(super) fn noted(self, note: &str) -> Failure {
        match self {
            Failure::Configuration(faults) => {
                let note = format!("watchbell: {note}");
                Failure::Configuration([note].into_iter().chain(faults).collect())
            }
            Failure::Usage(fault) => Failure::Usage(format!("{fault}\n  note: {note}")),
            Failure::Failed(error) => Failure::Failed(anyhow!("{error:#}\n  note: {note}")),
            Failure::Closed => Failure::Closed,
        }
    }

    /// Writes the error to standard error and returns the exit code.
    pub(super) fn report(self) -> ExitCode {
        match self {
            Failure::Configuration(faults) => {
                faults.iter().for_each(say);
                ExitCode::from(EXIT_CONFIG)
            }
            Failure::Usage(fault) => {
                say(format_args!("watchbell: {fault}"));
                ExitCode::from(EXIT_USAGE)
            }
            Failure::Closed => ExitCode::from(EXIT_CLOSED),
            Failure::Failed(error) => {
                say(format_args!("watchbell: {error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// An error of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::Closed,
            _ => anyhow!(error).context("write to standard output").into(),
        }
    }
}

/// An error of reading the output topics.
impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        anyhow!(error).context("the destination").into()
    }
}

/// An error of searching the output topics.
impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        match error {
            QueryError::Read(error) => error.into(),
            error => Failure::Failed(error.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}
