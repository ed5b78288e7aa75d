//! The log: one JSON object a line or lines for people, always on standard error.
//! Invariant: everything in a line is seen; what a field holds steers no terminal.

use std::io::{self, IsTerminal, Stderr, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

use crate::printable::{printable_lines, printable_painted};

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One object a line.
    #[default]
    Json,
    /// For people.
    Pretty,
}

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not in `tracing`'s language.
    #[error("log filter: {0}")]
    Filter(#[from] ParseError),
    /// Something else logs already.
    #[error("start the log: {0}")]
    Start(#[from] TryInitError),
}

/// Start logging; `filter` as in `watchbell=debug,librdkafka=warn`.
///
/// # Errors
/// The filter is refused, or a log was started before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let painted = format == LogFormat::Pretty && io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(move || Printable {
            to: io::stderr(),
            painted,
        });
    match format {
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            builder
                .with_current_span(false)
                .with_span_list(false)
                .finish()
                .try_init()?;
        }
        LogFormat::Pretty => {
            builder.with_ansi(painted).finish().try_init()?;
        }
    }
    Ok(())
}

/// Standard error, where every line is made printable. In JSON the escapes are JSON's: it means the
/// same. Where lines are painted, the subscriber itself escapes the escape character in values.
struct Printable<W = Stderr> {
    to: W,
    painted: bool,
}

impl<W: Write> Write for Printable<W> {
    /// A line comes as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown = match self.painted {
            true => printable_painted(&text),
            false => printable_lines(&text),
        };
        self.to.write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_shows_what_a_value_hides_and_json_keeps_its_value() {
        let line = |painted, text: &str| {
            let mut log = Printable {
                to: Vec::new(),
                painted,
            };
            log.write_all(text.as_bytes()).unwrap();
            String::from_utf8(log.to).unwrap()
        };
        let json = "{\"topic\":\"a\u{202e}b\u{e0041}\"}\n";
        let written = line(false, json);
        assert_eq!(written, "{\"topic\":\"a\\u202eb\\udb40\\udc41\"}\n");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&written), value(json));
        let painted = "\u{1b}[32m INFO\u{1b}[0m a\u{ad}b\u{9b}\n";
        assert_eq!(
            line(true, painted),
            "\u{1b}[32m INFO\u{1b}[0m a\\u00adb\\u009b\n"
        );
    }
}
