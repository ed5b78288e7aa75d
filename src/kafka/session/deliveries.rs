//! What a producer reports by itself: bad deliveries, complaints about its connections, and the topic
//! that a transaction could not take in.
//! Invariant: an output that librdkafka takes back blames nobody; the reason is with another, or with
//! the transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::error::{Refused, Setback, Side, Trouble, client_trouble, record_fault, trouble};
use crate::kafka::client::log_line;

/// Index of an output that no source record is to blame for.
pub(super) const NO_SOURCE: usize = usize::MAX;

/// A delivery report that is bad.
#[derive(Debug)]
struct Failure {
    source_index: usize,
    code: Code,
    topic: String,
}

#[derive(Default)]
pub(super) struct Deliveries {
    failed: AtomicBool,
    failures: Mutex<Vec<Failure>>,
    /// The latest trouble of the client as a whole, such as a refused login.
    trouble: Mutex<Option<Trouble>>,
    /// The topic that the transaction could not take in.
    not_added: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
        // The transaction's error does not name the topic: this line does, in quotes. The others of
        // the request were "not attempted".
        if facility == "ADDPARTS" && !message.contains("not attempted") {
            *lock(&self.not_added) = message.split('"').nth(1).map(str::to_owned);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        let code = error.rdkafka_error_code();
        let trouble = |code| client_trouble(Side::Destination, code, reason);
        if let Some(trouble) = code.and_then(trouble) {
            *lock(&self.trouble) = Some(trouble);
        }
    }
}

impl ProducerContext for Deliveries {
    /// Index of the source record in its batch.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, source_index: usize) {
        let Err((error, message)) = result else {
            return;
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        lock(&self.failures).push(Failure {
            source_index,
            code,
            topic: message.topic().to_owned(),
        });
        self.failed.store(true, Ordering::Release);
    }
}

impl Deliveries {
    /// What was reported so far counts no more.
    pub(super) fn forget(&self) {
        *lock(&self.trouble) = None;
        *lock(&self.not_added) = None;
        lock(&self.failures).clear();
        self.failed.store(false, Ordering::Release);
    }

    /// Whether a delivery has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// The latest trouble of the client as a whole.
    pub(super) fn take_trouble(&self) -> Option<Trouble> {
        lock(&self.trouble).take()
    }

    /// The topic that the transaction could not take in.
    pub(super) fn take_not_added(&self) -> Option<String> {
        lock(&self.not_added).take()
    }

    /// What the bad reports mean; `None` where outputs were only taken back.
    pub(super) fn judge(&self) -> Option<Setback> {
        let failures = std::mem::take(&mut *lock(&self.failures));
        let mut refused = BTreeMap::new();
        let (mut ours, mut other) = (None, None);
        for failure in failures {
            let Failure {
                source_index,
                code,
                topic,
            } = failure;
            match (code, record_fault(code)) {
                (Code::InvalidDifferentRecord | Code::PurgeQueue | Code::PurgeInflight, _) => {}
                (_, Some(reason)) if source_index == NO_SOURCE => {
                    ours.get_or_insert_with(|| ours_refused(&topic, code, reason));
                }
                (_, Some(reason)) => {
                    refused.entry(source_index).or_insert_with(|| Refused {
                        source_index,
                        reason,
                        detail: format!("{topic}: {code}"),
                    });
                }
                (_, None) => {
                    other.get_or_insert((code, topic));
                }
            }
        }
        if let Some((code, topic)) = other {
            let trouble = trouble(Side::Destination, code, &format!("write to {topic}"));
            let trouble = trouble.or_else(|| self.take_trouble());
            return Some(trouble.map_or_else(
                || Setback::Abort {
                    reason: "delivery_failed",
                    detail: format!("{topic}: {code}"),
                },
                Setback::Trouble,
            ));
        }
        if refused.is_empty() {
            return ours.map(Setback::Trouble);
        }
        Some(Setback::Poison(refused.into_values().collect()))
    }
}

/// The cluster refuses what no record has caused: a note of a position, or an alert about a gap.
pub(super) fn ours_refused(topic: &str, code: Code, reason: &'static str) -> Trouble {
    Trouble {
        side: Side::Destination,
        reason,
        remedy: format!(
            "{topic}: {code}: raise max.message.bytes of the topic; until then positions cannot move"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(failures: &[(usize, Code, &str)]) -> Option<Setback> {
        let deliveries = Deliveries::default();
        for (source_index, code, topic) in failures {
            lock(&deliveries.failures).push(Failure {
                source_index: *source_index,
                code: *code,
                topic: (*topic).to_owned(),
            });
        }
        deliveries.judge()
    }

    #[test]
    fn what_was_only_taken_back_blames_nobody() {
        let taken_back = [(0, Code::PurgeQueue, "a"), (1, Code::PurgeInflight, "b")];
        assert!(judged(&taken_back).is_none());
    }

    #[test]
    fn a_refused_output_blames_its_record_once() {
        let refused = [
            (3, Code::MessageSizeTooLarge, "events"),
            (3, Code::MessageSizeTooLarge, "alerts"),
            (NO_SOURCE, Code::MessageSizeTooLarge, "positions"),
        ];
        let Some(Setback::Poison(blamed)) = judged(&refused) else {
            panic!("nobody is blamed");
        };
        assert_eq!(blamed.len(), 1);
        assert_eq!(
            (blamed[0].source_index, blamed[0].reason),
            (3, "output_too_large")
        );
    }

    #[test]
    fn a_refused_output_of_no_record_is_to_be_repaired_and_names_its_topic() {
        let Some(Setback::Trouble(trouble)) =
            judged(&[(NO_SOURCE, Code::MessageSizeTooLarge, "alerts")])
        else {
            panic!("nothing is said");
        };
        assert!(trouble.remedy.starts_with("alerts: "), "{}", trouble.remedy);
        assert!(trouble.remedy.contains("raise max.message.bytes"));
    }

    #[test]
    fn a_missing_topic_comes_before_a_refused_record() {
        let both = [
            (0, Code::MessageSizeTooLarge, "events"),
            (1, Code::UnknownTopic, "alerts"),
        ];
        let Some(Setback::Trouble(trouble)) = judged(&both) else {
            panic!("nothing is said");
        };
        assert_eq!(trouble.reason, "topic_missing");
    }
}
