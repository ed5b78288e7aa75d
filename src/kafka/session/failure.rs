//! What keeps a batch from being committed, and what the loop does about it; pure.
//! Invariant: only an error that librdkafka marks as abortable is answered with an abort; after any other
//! the outcome is unknown, and a new producer fences the old one.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::blame::Refused;
use super::error::SessionError;
use crate::kafka::fault::{Fault, Side, fault};

/// A fault of the process or its surroundings: no record is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) side: Side,
    pub(super) reason: &'static str,
    pub(super) remedy: String,
}

/// What keeps a batch from being committed.
#[derive(Debug)]
pub(super) enum BatchFailure {
    /// The transaction is aborted, and its records are read again.
    Abort {
        reason: &'static str,
        detail: String,
    },
    /// Outputs were refused for their size or their content: find out which, and replace them.
    Refused(Vec<Refused>),
    /// The outcome is unknown, or the producer cannot be used any more: a new one is made, and the group
    /// is asked for the positions.
    Rebuild {
        reason: &'static str,
        detail: String,
        trouble: Option<Trouble>,
    },
    /// Somebody has to repair something: the transaction is aborted and tried again later.
    Trouble(Trouble),
    /// A client has failed for good: all clients are closed and opened again.
    Reopen(String),
    /// Stop.
    Stop(SessionError),
}

/// What becomes of the producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProducerAction {
    /// What is open is aborted; where the outcome of that is unknown, the producer is replaced.
    Abort,
    /// A new producer fences the old one, and the group is asked what was committed.
    Replace,
}

/// How the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Everything after the committed positions is read again.
    ReadAgain,
    /// All clients are closed and opened again.
    Reopen,
    /// The session ends.
    Stop,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recovery {
    pub(super) producer: ProducerAction,
    pub(super) next: Next,
    /// Metric label of the aborted batch; `None` where none is counted.
    pub(super) aborted: Option<&'static str>,
}

impl BatchFailure {
    pub(super) fn recovery(&self) -> Recovery {
        let abort = |next, aborted| Recovery {
            producer: ProducerAction::Abort,
            next,
            aborted,
        };
        match self {
            BatchFailure::Abort { reason, .. } => abort(Next::ReadAgain, Some(*reason)),
            BatchFailure::Refused(_) => abort(Next::ReadAgain, Some("poison")),
            BatchFailure::Trouble(trouble) => abort(Next::ReadAgain, Some(trouble.reason)),
            BatchFailure::Rebuild { reason, .. } => Recovery {
                producer: ProducerAction::Replace,
                next: Next::ReadAgain,
                aborted: Some(*reason),
            },
            BatchFailure::Reopen(_) => abort(Next::Reopen, Some("reopen")),
            BatchFailure::Stop(_) => abort(Next::Stop, None),
        }
    }
}

impl From<SessionError> for BatchFailure {
    fn from(error: SessionError) -> BatchFailure {
        BatchFailure::Stop(error)
    }
}

/// A trouble with one cluster, if the code is one that needs repair.
pub(super) fn trouble(side: Side, code: Code, context: &str) -> Option<Trouble> {
    let Fault::Repair(repair) = fault(code) else {
        return None;
    };
    let remedy = repair.remedy(side);
    Some(Trouble {
        side,
        reason: repair.reason,
        remedy: format!("{context}: {code}: {remedy}"),
    })
}

/// A trouble with one cluster that a client reported by itself. Of connections only the loss of all
/// brokers counts: single ones are closed and opened again all the time.
pub(super) fn client_trouble(side: Side, code: Code, context: &str) -> Option<Trouble> {
    let one_broker = matches!(code, Code::BrokerTransportFailure | Code::Resolve);
    (!one_broker)
        .then(|| trouble(side, code, context))
        .flatten()
}

/// What a failed call on the transaction means, once repeating it is out of the question.
///
/// Only an error that asks for an abort may be answered with one: after any other the outcome of
/// the call is unknown, and a late answer of the coordinator could hit the next transaction.
pub(super) fn transaction_failure(action: &str, error: &KafkaError) -> BatchFailure {
    let detail = format!("{action}: {error}");
    let code = error.rdkafka_error_code();
    let trouble = code.and_then(|code| trouble(Side::Destination, code, action));
    match error {
        KafkaError::Transaction(inner) if !inner.is_fatal() && inner.txn_requires_abort() => {
            trouble.map_or_else(
                || BatchFailure::Abort {
                    reason: fence_reason(inner.code()),
                    detail,
                },
                BatchFailure::Trouble,
            )
        }
        KafkaError::Transaction(inner) if inner.is_fatal() => BatchFailure::Rebuild {
            reason: fence_reason(inner.code()),
            detail,
            trouble,
        },
        _ => BatchFailure::Rebuild {
            reason: "unknown_outcome",
            detail,
            trouble,
        },
    }
}

fn fence_reason(code: Code) -> &'static str {
    match code {
        Code::IllegalGeneration | Code::UnknownMemberId | Code::FencedInstanceId => {
            "generation_fenced"
        }
        Code::RebalanceInProgress => "rebalance",
        Code::ProducerFenced | Code::Fenced | Code::InvalidProducerEpoch => "producer_fenced",
        _ => "transaction_failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_topic_is_no_records_fault_and_names_its_remedy() {
        let trouble = trouble(Side::Destination, Code::UnknownTopic, "write").expect("trouble");
        assert_eq!(trouble.reason, "topic_missing");
        assert!(trouble.remedy.contains("watchbell topics create"));
    }

    #[test]
    fn an_error_that_is_no_transaction_error_leaves_the_outcome_unknown() {
        let error = KafkaError::Flush(Code::OperationTimedOut);
        assert!(matches!(
            transaction_failure("commit", &error),
            BatchFailure::Rebuild {
                reason: "unknown_outcome",
                ..
            }
        ));
    }

    #[test]
    fn every_failure_has_its_recovery() {
        use Next::{ReadAgain, Reopen, Stop};
        use ProducerAction::{Abort, Replace};
        let detail = String::new;
        let reason = "reason";
        let trouble = || Trouble {
            side: Side::Destination,
            reason,
            remedy: detail(),
        };
        let rebuild = |trouble| BatchFailure::Rebuild {
            reason,
            detail: detail(),
            trouble,
        };
        let stop = BatchFailure::Stop(SessionError::Config(detail()));
        let aborted = BatchFailure::Abort {
            reason,
            detail: detail(),
        };
        for (failure, producer, next, aborted) in [
            (aborted, Abort, ReadAgain, Some(reason)),
            (
                BatchFailure::Refused(vec![]),
                Abort,
                ReadAgain,
                Some("poison"),
            ),
            (
                BatchFailure::Trouble(trouble()),
                Abort,
                ReadAgain,
                Some(reason),
            ),
            (rebuild(None), Replace, ReadAgain, Some(reason)),
            (rebuild(Some(trouble())), Replace, ReadAgain, Some(reason)),
            (
                BatchFailure::Reopen(detail()),
                Abort,
                Reopen,
                Some("reopen"),
            ),
            (stop, Abort, Stop, None),
        ] {
            let expected = Recovery {
                producer,
                next,
                aborted,
            };
            assert_eq!(failure.recovery(), expected, "{failure:?}");
        }
    }

    #[test]
    fn both_clusters_give_an_error_the_same_reason() {
        for code in [
            Code::TopicAuthorizationFailed,
            Code::UnknownTopic,
            Code::SSL,
            Code::AllBrokersDown,
        ] {
            let [source, destination] =
                [Side::Source, Side::Destination].map(|side| trouble(side, code, "read or write"));
            let reason = |trouble: Option<Trouble>| trouble.expect("a trouble").reason;
            assert_eq!(reason(source), reason(destination), "{code:?}");
        }
    }
}
