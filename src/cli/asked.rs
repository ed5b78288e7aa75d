//! What the commands that read topics share: the choice of the topic, how progress is shown, and the wait for
//! a signal to stop.

use std::io::{self, IsTerminal, Write};
use std::thread;

use anyhow::Context;
use clap::ValueEnum;

use super::say::say;
use super::signals::StopSignals;
use crate::kafka::session::Shutdown;
use crate::pipeline::{Content, OutputList};
use crate::query::Report;
use crate::view::{Paint, RecordKind};

/// Color if standard output is a terminal and NO_COLOR is not set (<https://no-color.org>).
pub(super) fn paint() -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    Paint {
        color: io::stdout().is_terminal() && !refused,
    }
}

/// One of the output topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Events,
    Alerts,
    DeadLetters,
}

impl Output {
    pub(super) fn topic(self, outputs: &OutputList) -> &str {
        let content = match self {
            Output::Events => Content::Events,
            Output::Alerts => Content::Alerts,
            Output::DeadLetters => Content::DeadLetters,
        };
        &outputs.of(content).topic
    }

    /// The kind of its records.
    pub(super) fn kind(self) -> RecordKind {
        match self {
            Output::Events => RecordKind::Event,
            Output::Alerts => RecordKind::Alert,
            Output::DeadLetters => RecordKind::DeadLetter,
        }
    }
}

/// A value that asks to stop once SIGINT or SIGTERM arrives.
pub(super) fn until_asked_to_stop() -> anyhow::Result<Shutdown> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let mut signals = StopSignals::listen(&runtime)?;
    let shutdown = Shutdown::default();
    let asked = shutdown.clone();
    let wait = move || {
        runtime.block_on(signals.received());
        asked.request();
    };
    let thread = thread::Builder::new().name("signals".into()).spawn(wait);
    thread.context("start a thread for signals")?;
    Ok(shutdown)
}

/// Shows how far a search has come, in one line on standard error that is overwritten; nothing if that is not
/// a terminal.
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
                let _ = write!(io::stderr(), "\r\u{1b}[Klooked at {topic}");
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
