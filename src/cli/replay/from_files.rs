//! Replays files: reads the events of each and sends them to be processed.

use std::io;
use std::path::{Path, PathBuf};

use indicatif::{HumanCount, ProgressBar};

use super::unread_text::UnreadText;
use super::work::{Input, Sender};
use crate::cli::event_file::{self, STANDARD_INPUT};
use crate::cli::say::say;
use crate::files::{FileReader, Report};

/// Sends the events of every file to be processed. Files that cannot be read are reported at once; what else did not
/// become a record is in the result.
pub(super) fn read(files: &[PathBuf], bar: &ProgressBar, work: &mut Sender) -> UnreadText {
    let mut unread = UnreadText::default();
    for path in files {
        let mut report = Report::default();
        let read = read_file(path, bar, work, &mut report);
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
    bar: &ProgressBar,
    work: &mut Sender,
    report: &mut Report,
) -> io::Result<()> {
    let raw = event_file::open(path).map_err(|problem| io::Error::other(problem.to_string()))?;
    let name = match path.to_str() {
        Some(STANDARD_INPUT) => "stdin".to_owned(),
        _ => path.display().to_string(),
    };
    let mut reader = FileReader::new(bar.wrap_read(raw))?;
    let result = send_all(&name, &mut reader, work);
    *report = reader.report();
    result
}

fn send_all(name: &str, reader: &mut FileReader, work: &mut Sender) -> io::Result<()> {
    for batch in reader {
        let input = Input::File {
            name: name.into(),
            batch: batch?,
        };
        if !work.send(input) {
            break;
        }
    }
    Ok(())
}
