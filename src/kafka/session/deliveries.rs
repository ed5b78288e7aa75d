//! What a producer reports by itself: bad deliveries, complaints about its connections, and the topic
//! that a transaction could not take in.
//! Invariant: an output that librdkafka withdraws is not attributed to a source record; the reason lies
//! with another output, or with the transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::blame::Refused;
use super::failure::{BatchFailure, Trouble, client_trouble, trouble};
use super::worker::Cause;
use crate::event::PARTS_OF_RECORD;
use crate::kafka::client::log_line;
use crate::kafka::fault::{Fault, Side, fault};

/// Index of an output that no source record is to blame for.
pub(super) const NO_SOURCE: usize = usize::MAX;

/// How many numbers the parts of one record's outputs have.
const PARTS: usize = PARTS_OF_RECORD as usize;

/// Where an output comes from, in one number, as librdkafka carries it: the index of its source record
/// in the batch, and which of that record's outputs it is.
pub(super) fn origin(source_index: usize, part: u32) -> usize {
    match source_index {
        NO_SOURCE => NO_SOURCE,
        index => index * PARTS + (part as usize).min(PARTS - 1),
    }
}

/// The source record and the part; `None` for an output of no record.
fn record_and_part(origin: usize) -> Option<(usize, u32)> {
    let part = u32::try_from(origin % PARTS).unwrap_or(u32::MAX);
    (origin != NO_SOURCE).then_some((origin / PARTS, part))
}

/// A delivery report that is bad.
#[derive(Debug)]
struct Failure {
    origin: usize,
    code: Code,
    topic: String,
}

impl Failure {
    /// What is to be found out about a refused output.
    fn refused(&self, cause: Cause) -> Result<Refused, Trouble> {
        let Failure { code, topic, .. } = self;
        let Some((source_index, part)) = record_and_part(self.origin) else {
            return Err(ours_refused(topic, *code, cause));
        };
        Ok(Refused {
            source_index,
            part,
            topic: topic.clone(),
            cause,
            detail: format!("{topic}: {code}"),
        })
    }
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
    /// See [`origin`].
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, origin: usize) {
        let Err((error, message)) = result else {
            return;
        };
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        lock(&self.failures).push(Failure {
            origin,
            code,
            topic: message.topic().to_owned(),
        });
        self.failed.store(true, Ordering::Release);
    }
}

impl Deliveries {
    /// Forget what was reported so far.
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

    /// What follows from the outputs that were not delivered; `None` if the client only withdrew them.
    /// A fault that somebody has to repair comes first, since it may cause the others; then the records
    /// whose outputs were refused.
    pub(super) fn judge(&self) -> Option<BatchFailure> {
        let failures = std::mem::take(&mut *lock(&self.failures));
        let mut refused = BTreeMap::new();
        let (mut repair, mut ours, mut other) = (None, None, None);
        for failure in failures {
            let Failure { origin, code, .. } = failure;
            let cause = match fault(code) {
                Fault::Withdrawn => continue,
                Fault::Size => Cause::Size,
                Fault::Content => Cause::Content,
                Fault::Repair(_) => {
                    let context = format!("write to {}", failure.topic);
                    repair = repair.or_else(|| trouble(Side::Destination, code, &context));
                    continue;
                }
                Fault::Passing | Fault::Client | Fault::Unexpected => {
                    other.get_or_insert((code, failure.topic));
                    continue;
                }
            };
            match failure.refused(cause) {
                Ok(output) => {
                    refused.entry((origin, failure.topic)).or_insert(output);
                }
                Err(trouble) => {
                    ours.get_or_insert(trouble);
                }
            }
        }
        if let Some(trouble) = repair {
            return Some(BatchFailure::Trouble(trouble));
        }
        if !refused.is_empty() {
            return Some(BatchFailure::Refused(refused.into_values().collect()));
        }
        if let Some(trouble) = ours {
            return Some(BatchFailure::Trouble(trouble));
        }
        let (code, topic) = other?;
        if let Some(trouble) = self.take_trouble() {
            return Some(BatchFailure::Trouble(trouble));
        }
        Some(passing(code, format!("{topic}: {code}")))
    }
}

/// What a failed delivery means that no record is to blame for, and nobody has to repair.
pub(super) fn passing(code: Code, detail: String) -> BatchFailure {
    match fault(code) {
        Fault::Client => BatchFailure::Rebuild {
            reason: "producer_fenced",
            detail,
            trouble: None,
        },
        _ => BatchFailure::Abort {
            reason: "delivery_failed",
            detail,
        },
    }
}

/// The cluster refuses what no record has caused: a note of a position, or an alert about a source.
pub(super) fn ours_refused(topic: &str, code: Code, cause: Cause) -> Trouble {
    Trouble {
        side: Side::Destination,
        reason: cause.reason(),
        remedy: format!(
            "{topic}: {code}: {}; until then positions cannot move",
            remedy_for(cause)
        ),
    }
}

/// What to do about a topic that takes none of our outputs.
pub(super) fn remedy_for(cause: Cause) -> &'static str {
    match cause {
        Cause::Size => "raise max.message.bytes of the topic",
        Cause::Content => {
            "correct the topic's settings: it must neither be compacted nor validate schemas"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(failures: &[(usize, Code, &str)]) -> Option<BatchFailure> {
        let deliveries = Deliveries::default();
        for (origin, code, topic) in failures {
            lock(&deliveries.failures).push(Failure {
                origin: *origin,
                code: *code,
                topic: (*topic).to_owned(),
            });
        }
        deliveries.judge()
    }

    #[test]
    fn outputs_that_were_only_withdrawn_are_not_attributed_to_a_record() {
        let withdrawn = [(0, Code::PurgeQueue, "a"), (1, Code::PurgeInflight, "b")];
        assert!(judged(&withdrawn).is_none());
    }

    #[test]
    fn each_refused_output_is_named_with_its_record_its_part_and_its_topic() {
        let refused = [
            (origin(3, 0), Code::MessageSizeTooLarge, "events"),
            (origin(3, 2), Code::MessageBatchTooLarge, "alerts"),
            (origin(3, 0), Code::InvalidDifferentRecord, "events"),
            (origin(4, 0), Code::InvalidRecord, "events"),
            (NO_SOURCE, Code::MessageSizeTooLarge, "positions"),
        ];
        let Some(BatchFailure::Refused(blamed)) = judged(&refused) else {
            panic!("no record is named");
        };
        let named: Vec<_> = blamed
            .iter()
            .map(|r| (r.source_index, r.part, r.topic.as_str(), r.cause))
            .collect();
        assert_eq!(
            named,
            [
                (3, 0, "events", Cause::Size),
                (3, 2, "alerts", Cause::Size),
                (4, 0, "events", Cause::Content),
            ]
        );
    }

    #[test]
    fn a_part_beyond_all_numbers_is_still_a_part_of_its_record() {
        let last = PARTS_OF_RECORD - 1;
        assert_eq!(record_and_part(origin(7, u32::MAX)), Some((7, last)));
        assert_eq!(record_and_part(origin(8, 0)), Some((8, 0)));
        assert_eq!(record_and_part(origin(NO_SOURCE, 5)), None);
    }

    #[test]
    fn a_timestamp_that_is_refused_is_not_attributed_to_a_record() {
        let failures = [
            (origin(0, 0), Code::InvalidTimestamp, "events"),
            (origin(1, 0), Code::InvalidRecord, "events"),
        ];
        let Some(BatchFailure::Trouble(trouble)) = judged(&failures) else {
            panic!("a record is blamed");
        };
        assert_eq!(trouble.reason, "timestamp_refused");
        assert!(trouble.remedy.contains("events") && trouble.remedy.contains("clock"));
    }

    #[test]
    fn a_refused_output_of_no_record_is_to_be_repaired_and_names_its_topic() {
        let Some(BatchFailure::Trouble(trouble)) =
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
        let Some(BatchFailure::Trouble(trouble)) = judged(&both) else {
            panic!("nothing is said");
        };
        assert_eq!(trouble.reason, "topic_missing");
    }
}
