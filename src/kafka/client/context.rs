//! What librdkafka reports by itself: log lines, and complaints about logins.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;

use super::error::ClientError;
use crate::kafka::fault::{Repair, login_fault};

/// Why a question failed: if the client complained about its login meanwhile, the login is the reason.
pub(crate) fn explain(
    client: &BaseConsumer<Quiet>,
    action: &'static str,
    error: &KafkaError,
) -> ClientError {
    // A client says what is wrong with its connections only where it is polled; log lines come the
    // same way, and end a poll that does not wait. One that reads would lose records here.
    let reads = client.assignment().is_ok_and(|list| list.count() > 0);
    for _ in 0..MOST_COMPLAINTS {
        if reads || client.poll(COMPLAINING).is_none() {
            break;
        }
    }
    match client.context().take_complaint() {
        Some((repair, detail)) => ClientError::Login {
            action,
            detail,
            repair,
        },
        None => ClientError::new(action, error),
    }
}

/// Most complaints that are read from a client at a time.
const MOST_COMPLAINTS: usize = 100;

/// How long the next complaint is waited for.
const COMPLAINING: Duration = Duration::from_millis(20);

/// A context that hands librdkafka's log lines to `tracing` and keeps why a login failed.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    complaint: Mutex<Option<(Repair, String)>>,
}

impl Quiet {
    fn take_complaint(&self) -> Option<(Repair, String)> {
        let mut complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        complaint.take()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        let fault = |code| login_fault(code, reason);
        if let Some(fault) = error.rdkafka_error_code().and_then(fault) {
            let mut complaint = self
                .complaint
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *complaint = Some((fault, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Quiet {}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, _: ()) {}
}

/// Hand a log line of librdkafka to `tracing`, at most as a warning: whether something is an error
/// for watchbell is decided where the failing call is made.
pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    let level = match level {
        // A cluster's properties go to its producers and consumers alike.
        _ if facility == "CONFWARN" && message.contains("will be ignored by this") => {
            RDKafkaLogLevel::Debug
        }
        level => level,
    };
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, message),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, message),
    }
}
