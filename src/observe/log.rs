//! The log: a JSON object per line, or lines for people, always on standard error.
//! Invariant: every character of a line is visible, and no value can control the terminal.

use std::io::{self, IsTerminal, Stderr, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

use crate::printable::{printable_lines, printable_painted};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Lines for people.
    Pretty,
}

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not in `tracing`'s filter syntax.
    #[error("log filter: {0}")]
    Filter(#[from] ParseError),
    /// A log was started before.
    #[error("start the log: {0}")]
    Start(#[from] TryInitError),
}

/// The libraries of the archive tell every request at level info, and at level warn that two processes have committed at
/// the same time, which they do all day; a filter that names them says otherwise.
const LIBRARIES: &str = "buoyant_kernel=warn,datafusion=warn,deltalake_core=warn,\
                         deltalake_core::kernel::transaction=error,object_store=warn";

/// Start logging; `filter` as in `watchbell=debug,librdkafka=warn`.
///
/// # Errors
/// The filter is refused, or a log was started before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let colored = format == LogFormat::Pretty && io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(format!("{LIBRARIES},{filter}"))?)
        .with_writer(move || Printable {
            to: io::stderr(),
            colored,
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
            builder.with_ansi(colored).finish().try_init()?;
        }
    }
    Ok(())
}

/// Standard error, with every line made printable. Characters are escaped as in JSON, so a JSON line
/// keeps its meaning. In colored lines the subscriber itself escapes the escape character in values.
struct Printable<W = Stderr> {
    to: W,
    colored: bool,
}

impl<W: Write> Write for Printable<W> {
    /// `line` is a whole line. One that cannot be written, as on a full disk, is lost: of an error the subscriber would
    /// panic, since it cannot tell it either.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown = match self.colored {
            true => printable_painted(&text),
            false => printable_lines(&text),
        };
        let _ = self.to.write_all(shown.as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.to.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost_and_no_error() {
        let mut log = Printable {
            to: Full,
            colored: false,
        };
        assert_eq!(log.write(b"{}\n").unwrap(), 3);
        log.flush().unwrap();
    }

    #[test]
    fn a_log_line_shows_invisible_characters_and_json_keeps_its_meaning() {
        let line = |colored, text: &str| {
            let mut log = Printable {
                to: Vec::new(),
                colored,
            };
            log.write_all(text.as_bytes()).unwrap();
            String::from_utf8(log.to).unwrap()
        };
        let json = "{\"topic\":\"a\u{202e}b\u{e0041}\"}\n";
        let written = line(false, json);
        assert_eq!(written, "{\"topic\":\"a\\u202eb\\udb40\\udc41\"}\n");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&written), value(json));
        let colored = "\u{1b}[32m INFO\u{1b}[0m a\u{ad}b\u{9b}\n";
        assert_eq!(
            line(true, colored),
            "\u{1b}[32m INFO\u{1b}[0m a\\u00adb\\u009b\n"
        );
    }
}
