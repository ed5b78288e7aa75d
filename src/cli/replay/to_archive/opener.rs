//! Opens files for the archive: their hash says whether they are there already, and how far.

use std::collections::HashMap;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::ProgressBar;

use crate::archive::{AppTransactions, TopicPartition};
use crate::cli::event_file::STANDARD_INPUT;
use crate::cli::replay::from_files::OpenedFile;
use crate::cli::replay::input::InputFile;
use crate::cli::say::say;
use crate::event::file_topic;
use crate::files::{Fingerprint, FixedContent};
use crate::input_file;
use crate::kafka::session::Shutdown;

/// Opens files, and passes over those that were loaded before.
pub(in crate::cli::replay) struct Opener {
    known: AppTransactions,
    /// The files that were opened, by their hashes.
    opened: HashMap<[u8; 32], String>,
    stop: Shutdown,
    /// How many files were passed over.
    passed_over: Arc<AtomicU64>,
}

impl Opener {
    pub(super) fn new(
        known: AppTransactions,
        stop: Shutdown,
        passed_over: Arc<AtomicU64>,
    ) -> Opener {
        Opener {
            known,
            opened: HashMap::new(),
            stop,
            passed_over,
        }
    }

    /// Opens a file; `None` if all of it is in the archive.
    pub(in crate::cli::replay) fn open(
        &mut self,
        path: &Path,
        bar: &ProgressBar,
    ) -> io::Result<Option<OpenedFile>> {
        let again = "it has to be read twice, for its hash and for its content; save it as a file";
        if path.to_str() == Some(STANDARD_INPUT) {
            return Err(io::Error::other(format!("standard input: {again}")));
        }
        let file = input_file::open(path);
        let mut file = file.map_err(|problem| io::Error::other(problem.to_string()))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other(format!("a stream: {again}")));
        }
        let fingerprint = Fingerprint::of(Stoppable {
            raw: bar.wrap_read(&file),
            stop: &self.stop,
        })?;
        let sha256 = fingerprint.sha256;
        let name = path.display().to_string();
        let topic: Arc<str> = file_topic(&sha256).into();
        let found = self.known.progress(&TopicPartition::of_file(topic.clone()));
        if found.is_some_and(|found| found.last != 0) {
            self.pass_over(bar, metadata.len());
            return Ok(None);
        }
        if let Some(other) = self.opened.insert(sha256, name.clone()) {
            bar.suspend(|| say(format_args!("{name}: has the same content as {other}")));
            self.pass_over(bar, metadata.len());
            return Ok(None);
        }
        file.rewind()?;
        let content = FixedContent::new(bar.wrap_read(file), fingerprint);
        let failure = content.failure();
        Ok(Some(OpenedFile {
            file: InputFile {
                name: name.into(),
                alias: Some(topic),
                first: found.map_or(0, |found| found.next.0),
            },
            content: Box::new(content),
            has_failed: Box::new(move || failure.has_happened()),
        }))
    }

    fn pass_over(&self, bar: &ProgressBar, bytes: u64) {
        self.passed_over.fetch_add(1, Ordering::Relaxed);
        bar.inc(bytes);
    }
}

/// What is read until a stop is requested.
struct Stoppable<'s, R> {
    raw: R,
    stop: &'s Shutdown,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.stop.is_requested() {
            true => Err(io::Error::other("stopped")),
            false => self.raw.read(out),
        }
    }
}
