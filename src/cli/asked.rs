//! What commands that read topics have in common: which topic, since when, until asked to stop.

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use super::say::say;
use super::signals::StopSignals;
use crate::config::Config;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Cluster, Span};
use crate::pipeline::{Content, OutputList};
use crate::view::{Kind, Paint};

/// Longest wait for one answer of the cluster, and for a cluster that has fallen silent.
const QUESTION: Duration = Duration::from_secs(20);

/// A cluster that takes longer is said to.
const PATIENCE: Duration = Duration::from_secs(3);

/// Color where standard output is a terminal and nobody has said no (<https://no-color.org>).
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

    /// What its records are.
    pub(super) fn kind(self) -> Kind {
        match self {
            Output::Events => Kind::Event,
            Output::Alerts => Kind::Alert,
            Output::DeadLetters => Kind::DeadLetter,
        }
    }
}

/// A reader of a topic of the destination.
pub(super) fn reader(config: &Config, topic: &str) -> Result<TopicReader, ReadError> {
    reader_of(&config.destination, config, topic)
}

/// A reader of a topic of any cluster.
pub(super) fn reader_of(
    cluster: &Cluster,
    config: &Config,
    topic: &str,
) -> Result<TopicReader, ReadError> {
    TopicReader::open(cluster, &config.session.group, topic, QUESTION)
}

/// What every partition of the topic holds now; says that it waits where it has to.
pub(super) fn spans(reader: &TopicReader) -> Result<Vec<Span>, ReadError> {
    let (answered, answer) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if answer.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                say(format_args!(
                    "the cluster does not answer about {}; waiting for up to {} s",
                    reader.topic(),
                    QUESTION.as_secs()
                ));
            }
        });
        let spans = reader.spans();
        drop(answered);
        spans
    })
}

/// A moment: how long ago, or when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// So long before now.
    Ago(SignedDuration),
    /// At this time.
    At(Timestamp),
}

/// A text that names no moment of the past.
#[derive(Debug, thiserror::Error)]
#[error("write how long ago, such as 10m, 12h or 3d, or when, such as 2026-03-14T09:00:00Z")]
pub(super) struct NoMoment;

impl FromStr for Since {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Since, NoMoment> {
        if let Ok(time) = text.parse() {
            return Ok(Since::At(time));
        }
        // A day is no unit of a `SignedDuration`, and 24 hours here.
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.parse::<u32>().ok());
        let ago = match days {
            Some(days) => SignedDuration::from_hours(i64::from(days) * 24),
            None => text.parse().map_err(|_| NoMoment)?,
        };
        if ago.is_negative() {
            return Err(NoMoment);
        }
        Ok(Since::Ago(ago))
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Since::Ago(ago) => write!(f, "{ago:#} ago"),
            Since::At(time) => time.fmt(f),
        }
    }
}

impl Since {
    /// Milliseconds since the Unix epoch.
    pub(super) fn time_ms(self, now: Timestamp) -> i64 {
        let time = match self {
            Since::Ago(ago) => now.saturating_sub(ago).unwrap_or(Timestamp::MIN),
            Since::At(time) => time,
        };
        time.as_millisecond()
    }
}

/// Asked to stop once SIGINT or SIGTERM comes.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_how_long_ago_or_a_time() {
        let now: Timestamp = "2026-03-14T12:00:00Z".parse().unwrap();
        let cases = [
            ("10m", "2026-03-14T11:50:00Z"),
            ("1h30m", "2026-03-14T10:30:00Z"),
            ("3d", "2026-03-11T12:00:00Z"),
            ("2026-03-14T09:00:00Z", "2026-03-14T09:00:00Z"),
            ("2026-03-14T09:00:00+02:00", "2026-03-14T07:00:00Z"),
        ];
        for (text, expected) in cases {
            let since: Since = text.parse().unwrap();
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(since.time_ms(now), expected.as_millisecond(), "{text}");
        }
        for text in ["", "ten minutes", "-10m", "10", "yesterday", "99999999999d"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
