//! Writes what was replayed to the output topics. The producer is idempotent, so that a retry of its own writes nothing
//! twice; there is no transaction, because a replay commits no position.

use std::cell::Cell;
use std::io;

use anyhow::{Context, anyhow};

use crate::config::Config;
use crate::event::OutputBuffer;
use crate::kafka::append::Appender;
use crate::pipeline::OutputList;
use crate::roles::outputs;

/// The output topics of a configuration.
pub(super) struct Topics {
    appender: Appender,
    outputs: OutputList,
    written: Cell<u64>,
}

impl Topics {
    /// Looks the topics up, and creates the missing ones if the configuration says so.
    ///
    /// # Errors
    /// The cluster does not answer, or a topic is missing.
    pub(super) fn open(config: &Config) -> anyhow::Result<Topics> {
        let cluster = &config.destination;
        let outputs = outputs::existing(cluster, &config.outputs, config.create_topics)?;
        let batch_bytes = outputs.smallest_bytes();
        let appender = Appender::new(cluster, "replay", batch_bytes);
        Ok(Topics {
            appender: appender.context("the destination")?,
            outputs,
            written: Cell::new(0),
        })
    }

    /// The outputs, with the largest record that each topic accepts.
    pub(super) fn outputs(&self) -> &OutputList {
        &self.outputs
    }

    /// Hands records over to be written, in order.
    ///
    /// # Errors
    /// One that was handed over before could not be written.
    pub(super) fn write(&self, records: &OutputBuffer) -> io::Result<()> {
        self.written.set(self.written.get() + records.len() as u64);
        self.appender.enqueue(records).map_err(io::Error::other)
    }

    /// How many records were handed over.
    pub(super) fn written(&self) -> u64 {
        self.written.get()
    }

    /// Waits until all records are stored.
    ///
    /// # Errors
    /// Some may not be stored.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        let written = self.written();
        match self.appender.finish() {
            Ok(()) => Ok(()),
            Err(error) => Err(anyhow!(
                "the destination: {error}; of {written} records some may be missing, so replay them again"
            )),
        }
    }
}
