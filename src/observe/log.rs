//! The log: one JSON object a line or lines for people, always on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

use crate::config::LogFormat;

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
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(std::io::stderr);
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
            let colors = std::io::stderr().is_terminal();
            builder.with_ansi(colors).finish().try_init()?;
        }
    }
    Ok(())
}
