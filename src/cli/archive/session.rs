//! What every command that asks the archive does: open it, wait for the answer, and give up on a signal.

use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, anyhow};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use clap::Args;
use datafusion::common::DataFusionError;
use futures::StreamExt;
use tokio::runtime::{Handle, Runtime};
use tokio::task::block_in_place;

use crate::archive::{StorageError, TableKind, in_words};
use crate::cli::config_file::ConfigFile;
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::cli::signals::shutdown_on_signal;
use crate::config::{self, Config};
use crate::kafka::session::Shutdown;
use crate::query::archive::{Engine, OpenError, Opening, WriteError};

/// How often a wait looks whether a stop was requested.
const TURN: Duration = Duration::from_millis(50);

/// Longest wait for the end of a question that was given up.
const END: Duration = Duration::from_secs(1);

/// Default for the most memory of a question.
pub(super) const DEFAULT_MEMORY: usize = 512 << 20;

/// The options of all these commands.
#[derive(Debug, Args)]
pub(super) struct SessionArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Ask the archive alone, and not what the topics hold beyond it.
    #[arg(long)]
    no_live: bool,
    /// Most memory that the question may use; what does not fit is written to temporary files where that is possible.
    #[arg(long, value_name = "SIZE", default_value = "512MB", value_parser = bytes)]
    memory: usize,
}

/// An opened archive.
pub(super) struct Session {
    pub(super) engine: Engine,
    handle: Handle,
    /// `None` at the end.
    runtime: Option<Runtime>,
    stop: Shutdown,
}

/// Temporary files are deleted when the question has ended. One that does not give way is left behind; the process
/// ends soon.
impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(END);
        }
    }
}

impl SessionArgs {
    /// The configuration, with the section of the archive.
    ///
    /// # Errors
    /// It has faults, or no archive.
    pub(super) fn load(&self) -> Result<(Config, config::Archive), Failure> {
        self.config.load_with_archive()
    }

    /// Opens these tables of the archive.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn open(&self, tables: &[TableKind]) -> Result<Session, Failure> {
        let (config, archive) = self.load()?;
        let stop = shutdown_on_signal()?;
        let how = (self.memory, !self.no_live);
        Session::open((&config, &archive), tables, how, &stop)
    }
}

impl Session {
    /// Opens these tables of an archive, for questions with so much memory, with the ends of the topics or without.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn open(
        (config, archive): (&Config, &config::Archive),
        tables: &[TableKind],
        (memory, is_live): (usize, bool),
        stop: &Shutdown,
    ) -> Result<Session, Failure> {
        let runtime = Runtime::new().context("start the runtime")?;
        let opening = Opening {
            config,
            archive: Some(archive),
            tables,
            memory,
            is_live,
            known: None,
            stop,
            note: &|note| say(note),
        };
        let engine = opening.open(runtime.handle())?;
        if stop.is_requested() {
            return Err(stopped());
        }
        Ok(Session {
            engine,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            stop: stop.clone(),
        })
    }
}

impl Session {
    /// Waits for an answer.
    ///
    /// # Errors
    /// That of the answer, or a stop was requested first.
    pub(super) fn wait<T, E: Into<Failure>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let requested = async {
            while !self.stop.is_requested() {
                tokio::time::sleep(TURN).await;
            }
        };
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = requested => Err(stopped()),
                answer = answer => match answer {
                    Ok(answer) => Ok(answer),
                    Err(error) => Err(self.explained(error.into()).await),
                },
            }
        })
    }

    /// What is wrong with the archive, if that is why there is no answer.
    async fn explained(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Failed(error) if error.is::<Unreadable>() => {
                match self.engine.damage().await {
                    Some((table, damage)) => {
                        let table = table.name();
                        anyhow!("the archive: the table {table} is damaged: {damage}").into()
                    }
                    None => Failure::Failed(error),
                }
            }
            failure => failure,
        }
    }
}

/// The rows of an answer, some at a time.
pub(super) struct Answer<'s> {
    session: &'s Session,
    /// The columns.
    pub(super) columns: SchemaRef,
    batches: Receiver<Result<RecordBatch, DataFusionError>>,
}

impl Session {
    /// Begins to answer a question in SQL. It is answered by other threads, because some questions do not give way.
    ///
    /// # Errors
    /// The question has faults, or a stop was requested.
    pub(super) fn answer(&self, query: &str) -> Result<Answer<'_>, Failure> {
        let mut rows = self.wait(self.engine.stream(query))?;
        let columns = rows.schema();
        let (sender, batches) = sync_channel(1);
        self.handle.spawn(async move {
            while let Some(batch) = rows.next().await {
                if block_in_place(|| sender.send(batch)).is_err() {
                    return;
                }
            }
        });
        Ok(Answer {
            session: self,
            columns,
            batches,
        })
    }
}

impl Answer<'_> {
    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// The question cannot be answered, or a stop was requested.
    pub(super) fn next(&self) -> Result<Option<RecordBatch>, Failure> {
        loop {
            if self.session.stop.is_requested() {
                return Err(stopped());
            }
            match self.batches.recv_timeout(TURN) {
                Ok(Ok(batch)) => return Ok(Some(batch)),
                Ok(Err(error)) => {
                    let explained = self.session.explained(error.into());
                    return Err(self.session.handle.block_on(explained));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

fn stopped() -> Failure {
    anyhow!("stopped before the answer was complete").into()
}

/// A number of bytes, such as `512MB`.
fn bytes(text: &str) -> Result<usize, String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: usize = match text[number.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("write a number of bytes such as 512MB or 2GB".into()),
    };
    let number: usize = number
        .trim()
        .parse()
        .map_err(|_| "write a number of bytes such as 512MB or 2GB")?;
    let bytes = number.checked_mul(factor).ok_or("too large")?;
    if bytes < 16 << 20 {
        return Err("at least 16MB are needed".into());
    }
    Ok(bytes)
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::Storage(error @ StorageError::Url { .. }) => {
                Failure::configuration([format!("archive.url: {error}")])
            }
            error => anyhow!("the archive: {error}").into(),
        }
    }
}

/// Something of the archive could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the archive: {0}")]
struct Unreadable(String);

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Failure {
        let text = in_words(&error.to_string());
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => {
                anyhow!("{text}; give the question more with --memory, or ask for less").into()
            }
            DataFusionError::SQL(fault, _) => anyhow!("the SQL cannot be read: {fault}").into(),
            DataFusionError::Plan(fault) if fault.contains("not supported: ") => {
                anyhow!("the archive is only read: {fault}").into()
            }
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) => {
                anyhow!(Unreadable(text)).into()
            }
            DataFusionError::ArrowError(fault, _)
                if matches!(
                    **fault,
                    ArrowError::ParquetError(_) | ArrowError::ExternalError(_)
                ) =>
            {
                anyhow!(Unreadable(text)).into()
            }
            _ => anyhow!(text).into(),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::Io(error) => error.into(),
            error => anyhow!(error).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_a_number_with_a_unit() {
        for (text, expected) in [
            ("512MB", 512 << 20),
            ("16mib", 16 << 20),
            ("1G", 1 << 30),
            ("33554432", 32 << 20),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "MB",
            "12 apples",
            "1MB",
            "99999999999999999999",
            "-5GB",
            "9999999999999GB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
