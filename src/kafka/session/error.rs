//! What can go wrong in a session, and what is done about it.
//! `SessionError` ends a session; a `Setback` is absorbed by its loop. Whose fault an error code is
//! stands in `fault`.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::blame::Refused;
use super::fault::{Fault, Side, fault};
use super::observe::Gap;
use crate::event::{NextOffset, Offset, Partition};
use crate::kafka::ClientError;

/// Why a session ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The settings contradict each other.
    #[error("{0}")]
    Config(String),
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Records expired before they were read, and `on_gap` is `stop`.
    #[error(
        "{} records of partition {} expired before they were read (offsets {} to {})",
        .0.records(), .0.partition.0, .0.from.0, .0.to.0
    )]
    Gap(Gap),
    /// The position lies past the end: the topic was deleted and created again, or lost data.
    #[error(
        "the position {} of partition {} lies past its end {}: the source topic was re-created or \
         truncated", .position.0, .partition.0, .end.0
    )]
    PastEnd {
        /// Partition of the source.
        partition: Partition,
        /// The committed position.
        position: NextOffset,
        /// The end of the partition.
        end: NextOffset,
    },
    /// The source has no such partition any more: the topic was deleted and created again.
    #[error(
        "the group has a position for partition {}, but the source has {partitions} partitions only: \
         the source topic was re-created smaller", .partition.0
    )]
    PartitionGone {
        /// Partition of the source.
        partition: Partition,
        /// How many partitions the source has.
        partitions: u32,
    },
    /// The last record consumed is another one now: the topic was deleted and created again.
    #[error(
        "the record at offset {} of partition {} is not the one that was consumed there: the source \
         topic was re-created and has grown past the position", .offset.0, .partition.0
    )]
    AnotherRecord {
        /// Partition of the source.
        partition: Partition,
        /// The record before the position.
        offset: Offset,
    },
    /// The position was committed while reading another cluster or topic.
    #[error(
        "the position of partition {} belongs to {committed}, but the source is now {found}",
        .partition.0
    )]
    ForeignPosition {
        /// Partition of the source.
        partition: Partition,
        /// What the commit's metadata names.
        committed: String,
        /// What the source is.
        found: String,
    },
    /// The group has no positions although this deployment had some, and `on_gap` is `stop`.
    #[error(
        "the group {group} has lost the positions of {partitions} partitions: it was deleted, or had \
         no members for longer than the broker's offsets.retention.minutes"
    )]
    PositionsLost {
        /// The ownership group.
        group: String,
        /// How many partitions had a position.
        partitions: usize,
    },
}

impl SessionError {
    /// What a person can do so that the source is read again, with the commands to copy; `None` where
    /// the error itself says it.
    pub fn remedy(&self, source: &str) -> Option<String> {
        let set = |which: &str, to: &str| {
            format!("watchbell offsets set --source {source} {which} --to {to} --execute")
        };
        let another_name =
            "give the source another name in the configuration, so that it begins anew";
        Some(match self {
            SessionError::Config(_) | SessionError::Client(_) => return None,
            SessionError::Gap(gap) => format!(
                "to go on after them, set on_gap: continue, or move the position: {}",
                set(&format!("--partition {}", gap.partition.0), "earliest")
            ),
            SessionError::PastEnd { .. } | SessionError::AnotherRecord { .. } => format!(
                "look with watchbell offsets show --source {source}, then read it from its start with {}",
                set("--all", "earliest")
            ),
            SessionError::PartitionGone { .. } => another_name.to_owned(),
            SessionError::ForeignPosition { .. } => format!(
                "{another_name}, or read it from its start with {}",
                set("--all", "earliest")
            ),
            SessionError::PositionsLost { .. } => format!(
                "to go on from the last noted ones, set on_gap: continue, or put them back: {}",
                set("--all", "noted")
            ),
        })
    }

    /// What tells this error from others of its reason, and stays the same while records come and go:
    /// other processes, and later looks, find the same. `None` where nothing does.
    pub fn identity(&self) -> Option<String> {
        match self {
            SessionError::Gap(gap) => Some(format!("{}@{}", gap.partition.0, gap.from.0)),
            SessionError::PastEnd {
                partition,
                position,
                ..
            } => Some(format!("{}@{}", partition.0, position.0)),
            SessionError::PartitionGone { partition, .. } => Some(partition.0.to_string()),
            SessionError::AnotherRecord { partition, offset } => {
                Some(format!("{}@{}", partition.0, offset.0))
            }
            SessionError::ForeignPosition {
                committed, found, ..
            } => Some(format!("{committed} {found}")),
            SessionError::PositionsLost { group, .. } => Some(group.clone()),
            _ => None,
        }
    }

    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            SessionError::Config(_) => "config",
            SessionError::Client(_) => "client",
            SessionError::Gap(_) => "gap",
            SessionError::PastEnd { .. } => "past_end",
            SessionError::PartitionGone { .. } => "partition_gone",
            SessionError::AnotherRecord { .. } => "another_record",
            SessionError::ForeignPosition { .. } => "foreign_position",
            SessionError::PositionsLost { .. } => "positions_lost",
        }
    }
}

/// A fault of the process or its surroundings: no record is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) side: Side,
    pub(super) reason: &'static str,
    pub(super) remedy: String,
}

/// What keeps a batch from being committed, and how far one has to go back.
#[derive(Debug)]
pub(super) enum Setback {
    /// Take the batch back and read it again.
    Abort {
        reason: &'static str,
        detail: String,
    },
    /// Outputs were refused for their size or their content: find out which, and replace them.
    Refused(Vec<Refused>),
    /// The outcome is unknown, or the producer is done for: make a new one, read the positions.
    Rebuild {
        reason: &'static str,
        detail: String,
        trouble: Option<Trouble>,
    },
    /// Repair is needed elsewhere: take the batch back, say so, try again later.
    Trouble(Trouble),
    /// A client is beyond repair: close everything and open it again.
    Reopen(String),
    /// Stop.
    Stop(SessionError),
}

impl From<SessionError> for Setback {
    fn from(error: SessionError) -> Setback {
        Setback::Stop(error)
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
pub(super) fn transaction_setback(action: &str, error: &KafkaError) -> Setback {
    let detail = format!("{action}: {error}");
    let code = error.rdkafka_error_code();
    let trouble = code.and_then(|code| trouble(Side::Destination, code, action));
    match error {
        KafkaError::Transaction(inner) if !inner.is_fatal() && inner.txn_requires_abort() => {
            trouble.map_or_else(
                || Setback::Abort {
                    reason: fence_reason(inner.code()),
                    detail,
                },
                Setback::Trouble,
            )
        }
        KafkaError::Transaction(inner) if inner.is_fatal() => Setback::Rebuild {
            reason: fence_reason(inner.code()),
            detail,
            trouble,
        },
        _ => Setback::Rebuild {
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
            transaction_setback("commit", &error),
            Setback::Rebuild {
                reason: "unknown_outcome",
                ..
            }
        ));
    }
}
