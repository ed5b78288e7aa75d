//! Replays files: reads the events of each and sends them to be processed.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{HumanCount, ProgressBar};

use super::input::InputFile;
use super::unread_text::UnreadText;
use super::work::{Input, Sender};
use crate::cli::event_file::{self, STANDARD_INPUT};
use crate::cli::say::say;
use crate::files::{FileReader, Report};

/// A file that was opened.
pub(super) struct OpenedFile {
    pub(super) file: InputFile,
    pub(super) content: Box<dyn Read + Send>,
    /// Whether the reading has failed by now, so that what was made of the last bytes is not what the file holds.
    pub(super) has_failed: Box<dyn Fn() -> bool + Send>,
}

/// How files are opened. `None` is a file of which nothing is to be read.
pub(super) type OpenFile<'o> =
    dyn FnMut(&Path, &ProgressBar) -> io::Result<Option<OpenedFile>> + Send + 'o;

/// Sends the events of every file to be processed, until `is_stopped`. Files that cannot be read are reported at once;
/// what else did not become a record is in the result.
pub(super) fn read(
    files: &[PathBuf],
    (open, is_stopped): (&mut OpenFile<'_>, &(dyn Fn() -> bool + Sync)),
    bar: &ProgressBar,
    work: &mut Sender,
) -> UnreadText {
    let mut unread = UnreadText::default();
    for path in files {
        if is_stopped() {
            break;
        }
        let mut report = Report::default();
        let read = read_file(path, (open, is_stopped), bar, work, &mut report);
        if is_stopped() {
            // What a person has stopped is no fault of the file.
            break;
        }
        let name = path.display().to_string();
        if let Err(error) = &read {
            let records = match report.records {
                0 => String::new(),
                records => format!(" (after {} records)", HumanCount(records)),
            };
            bar.suspend(|| say(format_args!("watchbell: {name}: {error}{records}")));
        }
        unread.add(&name, report, read.is_ok());
    }
    unread
}

/// Opens a file to read all of it once.
pub(super) fn open(path: &Path, bar: &ProgressBar) -> io::Result<Option<OpenedFile>> {
    let raw = event_file::open(path).map_err(|problem| io::Error::other(problem.to_string()))?;
    let name: Arc<str> = match path.to_str() {
        Some(STANDARD_INPUT) => "stdin".into(),
        _ => path.display().to_string().into(),
    };
    Ok(Some(OpenedFile {
        file: InputFile {
            name,
            alias: None,
            first: 0,
        },
        content: Box::new(bar.wrap_read(raw)),
        has_failed: Box::new(|| false),
    }))
}

/// The size of all files; `None` if it is not known, as that of standard input.
pub(super) fn size(files: &[PathBuf]) -> Option<u64> {
    let size = |path: &PathBuf| {
        let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(found.len())
    };
    files.iter().map(size).sum()
}

/// Sends the contents of a file to be processed. `report` gets the summary of what was read, also after an error.
fn read_file(
    path: &Path,
    (open, is_stopped): (&mut OpenFile<'_>, &(dyn Fn() -> bool + Sync)),
    bar: &ProgressBar,
    work: &mut Sender,
    report: &mut Report,
) -> io::Result<()> {
    let Some(opened) = open(path, bar)? else {
        return Ok(());
    };
    let OpenedFile {
        file,
        content,
        has_failed,
    } = opened;
    let file = Arc::new(file);
    let mut reader = FileReader::new(content)?;
    let result = send_all(&file, (&mut reader, &*has_failed, is_stopped), work);
    *report = reader.report();
    result
}

fn send_all(
    file: &Arc<InputFile>,
    (reader, has_failed, is_stopped): (
        &mut FileReader,
        &(dyn Fn() -> bool + Send),
        &(dyn Fn() -> bool + Sync),
    ),
    work: &mut Sender,
) -> io::Result<()> {
    for batch in reader.by_ref() {
        let batch = batch?;
        if has_failed() {
            // The end of the batch may be half an event. The error comes next.
            continue;
        }
        let file = file.clone();
        if is_stopped() || !work.send(Input::File { file, batch }) {
            return Ok(());
        }
    }
    work.send(Input::FileEnd {
        file: file.clone(),
        events: i64::try_from(reader.report().records).unwrap_or(i64::MAX),
    });
    Ok(())
}
