//! Where the results of a replay go: to standard output, to the output topics, or to the archive.

use std::io::{self, Write};

use anyhow::anyhow;

use super::from_files::{self, OpenFile};
use super::report::counted;
#[cfg(feature = "archive")]
use super::to_archive::ToArchive;
use super::to_topics::Topics;
use super::work::{Done, Print};
use crate::cli::failure::Failure;
use crate::config::Config;
use crate::kafka::session::Shutdown;
use crate::pipeline::OutputList;

/// Where the results go.
pub(super) enum Destination {
    Output,
    Topics(Topics),
    #[cfg(feature = "archive")]
    Archive(Box<ToArchive>),
}

impl Destination {
    /// The output topics of a configuration.
    ///
    /// # Errors
    /// The cluster does not answer, or a topic is missing.
    pub(super) fn topics(config: &Config) -> Result<Destination, Failure> {
        Ok(Destination::Topics(Topics::open(config)?))
    }

    /// The archive of a configuration.
    ///
    /// # Errors
    /// There is none, or it cannot be written to.
    #[cfg(feature = "archive")]
    pub(super) fn archive(
        config: &Config,
        now_ms: i64,
        stop: &Shutdown,
    ) -> Result<Destination, Failure> {
        let archive = ToArchive::open(config, now_ms, stop)?;
        Ok(Destination::Archive(Box::new(archive)))
    }

    /// The same in a build without the archive.
    #[cfg(not(feature = "archive"))]
    pub(super) fn archive(_: &Config, _: i64, _: &Shutdown) -> Result<Destination, Failure> {
        Err(crate::cli::without_archive::missing())
    }

    /// The outputs, with the largest record that each topic accepts, where that is known.
    pub(super) fn outputs(&self) -> Option<&OutputList> {
        match self {
            Destination::Topics(topics) => Some(topics.outputs()),
            _ => None,
        }
    }

    /// What becomes of the outputs, if nothing is printed.
    pub(super) fn print(&self) -> Option<Print> {
        match self {
            Destination::Output => None,
            Destination::Topics(_) => Some(Print::Nothing),
            #[cfg(feature = "archive")]
            Destination::Archive(archive) => Some(Print::Rows(archive.maker())),
        }
    }

    /// What opens files.
    ///
    /// # Errors
    /// It is not known how far they were read before.
    pub(super) fn opener(&mut self) -> anyhow::Result<Box<OpenFile<'static>>> {
        match self {
            #[cfg(feature = "archive")]
            Destination::Archive(archive) => {
                let mut opener = archive.opener()?;
                Ok(Box::new(move |path, bar| opener.open(path, bar)))
            }
            _ => Ok(Box::new(from_files::open)),
        }
    }

    /// How often the content of files is read.
    pub(super) fn passes(&self) -> u64 {
        match self {
            #[cfg(feature = "archive")]
            Destination::Archive(_) => 2,
            _ => 1,
        }
    }

    /// Writes the result of a batch; `out` is standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&mut self, done: &mut Done, out: &mut impl Write) -> io::Result<()> {
        match self {
            Destination::Output => out.write_all(&done.lines),
            Destination::Topics(topics) => topics.write(&done.records),
            #[cfg(feature = "archive")]
            Destination::Archive(archive) => done.rows.take().map_or(Ok(()), |r| archive.write(r)),
        }
    }

    /// Why a write has failed.
    pub(super) fn failure(&self, error: io::Error) -> Failure {
        match self {
            Destination::Output => error.into(),
            Destination::Topics(_) => anyhow!("the destination: {error}").into(),
            #[cfg(feature = "archive")]
            Destination::Archive(_) => anyhow!(
                "the archive: {error}\n  note: what was archived stays, and the same command goes on from there"
            )
            .into(),
        }
    }

    /// Waits until everything is stored.
    ///
    /// # Errors
    /// Some may not be stored.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Destination::Output => Ok(()),
            Destination::Topics(topics) => Ok(topics.finish()?),
            #[cfg(feature = "archive")]
            Destination::Archive(archive) => {
                let committed = archive.commit();
                committed.map_err(|error| self.failure(io::Error::other(format!("{error:#}"))))
            }
        }
    }

    /// What was stored, as lines.
    pub(super) fn text(&self) -> String {
        match self {
            Destination::Output => String::new(),
            Destination::Topics(topics) => {
                format!("written: {}\n", counted(topics.written(), "record"))
            }
            #[cfg(feature = "archive")]
            Destination::Archive(archive) => archive.text(),
        }
    }
}
