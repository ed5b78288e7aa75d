//! What depends on whether the output is a terminal: color and the progress of a search.

use std::io::{self, IsTerminal, Write};

use super::say::say;
use crate::query::Report;
use crate::view::Paint;

/// Color if standard output is a terminal and NO_COLOR is not set (<https://no-color.org>).
pub(super) fn paint() -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    Paint {
        color: io::stdout().is_terminal() && !refused,
    }
}

/// Shows the topic that was searched last, in one line on standard error that is overwritten. Shows nothing if
/// standard error is not a terminal.
pub(super) struct Progress {
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress {
            is_terminal: io::stderr().is_terminal(),
        }
    }

    pub(super) fn report(&self, report: Report<'_>) {
        match report {
            Report::Note(note) => {
                self.clear();
                say(note);
            }
            Report::Looked(topic) if self.is_terminal => {
                // An error is ignored: standard error may be closed, and progress is not essential.
                let _ = write!(io::stderr(), "\r\u{1b}[Ksearched {topic}");
            }
            Report::Looked(_) => {}
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Prints a text at once.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
