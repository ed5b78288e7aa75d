//! Whose fault an error code is, for every code that librdkafka knows, and what is done about it: one
//! table for sources, the destination, sinks and inspections.
//! Only a fault of a record's size makes an output smaller, and only a fault of a record replaces an
//! output at all. What the process, a topic's setting, a right or the cluster causes is reported with a
//! remedy, and the records wait.

mod repair;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

pub use repair::Repair;
use repair::{AUTHENTICATION_FAILED, LOGIN, TLS, TOPIC_MISSING};
pub(super) use repair::{Party, Purpose, Side, TOPIC_UNAUTHORIZED};

/// Who or what has to change before the same call can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The record, or the batch in which it was sent: it is larger than its topic takes.
    Size,
    /// What stands in the record, or a setting of its topic by which it refuses records.
    Content,
    /// Somebody has to repair something.
    Repair(Repair),
    /// Nothing: elections, timeouts, rebalances. It is reported once it does not pass by itself.
    Passing,
    /// Nothing: the client withdrew the output because of another one, or of its transaction.
    Withdrawn,
    /// This client is replaced by a new one.
    Client,
    /// No client call that a session makes returns it. Where one does, it is treated as passing.
    Unexpected,
}

/// Whose fault an error of a call is.
pub(super) fn fault(code: Code) -> Fault {
    repairable(code).unwrap_or_else(|| other(code))
}

/// What somebody has to repair so that a call with this answer can succeed.
pub(super) fn repair_of(code: Code) -> Option<Repair> {
    match fault(code) {
        Fault::Repair(repair) => Some(repair),
        _ => None,
    }
}

/// Whether a topic does not exist, or may not be described.
pub(super) fn is_missing(code: Code) -> bool {
    repair_of(code).is_some_and(|repair| repair.reason == TOPIC_MISSING)
}

/// Whether a topic may not be read, or not be written.
pub(super) fn is_topic_denied(code: Code) -> bool {
    repair_of(code).is_some_and(|repair| repair.reason == TOPIC_UNAUTHORIZED)
}

/// Whether an authorizer refuses a right to somebody whose login is accepted.
pub(super) fn is_denied(code: Code) -> bool {
    repair_of(code).is_some_and(|repair| repair.is_denial())
}

/// Why a client cannot talk to a broker that it reaches; `words` is the client's message.
pub(super) fn login_fault(code: Code, words: &str) -> Option<Repair> {
    // In TLS 1.3 a refused certificate is an alert after the handshake, which librdkafka takes for a
    // lost connection; the words are OpenSSL's.
    if code == Code::BrokerTransportFailure && words.contains("SSL routines") {
        return Some(TLS);
    }
    let login = |repair: &Repair| [LOGIN, TLS].contains(repair);
    repair_of(code).filter(login)
}

/// An error code and, where somebody has to repair something, what.
pub(super) fn describe(code: Code, purpose: impl Into<Purpose>) -> String {
    match repair_of(code) {
        Some(repair) => format!("{code}: {}", repair.remedy(purpose)),
        None => code.to_string(),
    }
}

const fn repair(party: Party, reason: &'static str, remedy: &'static str) -> Fault {
    Fault::Repair(Repair {
        party,
        reason,
        remedy: [remedy; 3],
    })
}

/// What somebody has to repair.
fn repairable(code: Code) -> Option<Fault> {
    topic_or_clock(code)
        .or_else(|| right(code))
        .or_else(|| cluster_or_configuration(code))
}

fn topic_or_clock(code: Code) -> Option<Fault> {
    Some(match code {
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownTopicId => repair(
            Party::Topic,
            TOPIC_MISSING,
            "create the topic (watchbell topics create), or grant Describe on it",
        ),
        Code::InvalidTopic => repair(Party::Topic, "topic_invalid", "correct the topic's name"),
        Code::UnsupportedForMessageFormat => repair(
            Party::Topic,
            "message_format",
            "raise message.format.version of the topic to 0.11 or later",
        ),
        Code::UnsupportedCompressionType => repair(
            Party::Topic,
            "compression_refused",
            "set compression.type under `kafka:` of the destination to one that the cluster takes, \
             such as none",
        ),
        Code::PolicyViolation => repair(
            Party::Topic,
            "policy_violation",
            "a policy of the cluster forbids it: ask who runs the cluster to allow these records",
        ),
        Code::InvalidConfig => repair(
            Party::Topic,
            "invalid_config",
            "the brokers refuse a setting: correct the topic's settings (watchbell topics show)",
        ),
        // Records carry the time at which they were handed to the client.
        Code::InvalidTimestamp => repair(
            Party::Clock,
            "timestamp_refused",
            "check this machine's clock, and the topic's message.timestamp.before.max.ms and \
             message.timestamp.after.max.ms (before Kafka 3.6 message.timestamp.difference.max.ms)",
        ),
        _ => return None,
    })
}

fn right(code: Code) -> Option<Fault> {
    Some(match code {
        Code::TopicAuthorizationFailed => Fault::Repair(Repair {
            party: Party::Right,
            reason: TOPIC_UNAUTHORIZED,
            remedy: [
                "grant Read and Describe on the topic in the source cluster",
                "grant Write and Describe on the topic in the destination cluster",
                "grant Read and Describe on the topic in the destination cluster",
            ],
        }),
        Code::GroupAuthorizationFailed => Fault::Repair(Repair {
            party: Party::Right,
            reason: "group_unauthorized",
            remedy: [
                "grant Read on the consumer group in the source cluster",
                "grant Read on the consumer group in the destination cluster",
                "grant Read on the consumer group in the destination cluster",
            ],
        }),
        Code::TransactionalIdAuthorizationFailed => repair(
            Party::Right,
            "transactional_id_unauthorized",
            "grant Write and Describe on the transactional id in the destination cluster",
        ),
        Code::ClusterAuthorizationFailed => repair(
            Party::Right,
            "cluster_unauthorized",
            "grant IdempotentWrite on the destination cluster",
        ),
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::IllegalSASLState
        | Code::UnsupportedSASLMechanism => Fault::Repair(LOGIN),
        Code::DelegationTokenAuthorizationFailed
        | Code::DelegationTokenAuthDisabled
        | Code::DelegationTokenExpired
        | Code::DelegationTokenNotFound
        | Code::DelegationTokenOwnerMismatch
        | Code::DelegationTokenRequestNotAllowed => repair(
            Party::Right,
            AUTHENTICATION_FAILED,
            "renew the delegation token",
        ),
        Code::InvalidPrincipalType
        | Code::UnacceptableCredential
        | Code::PrincipalDeserializationFailure
        | Code::SecurityDisabled => repair(
            Party::Right,
            AUTHENTICATION_FAILED,
            "check the principal of this login and the cluster's authorizer",
        ),
        _ => return None,
    })
}

fn cluster_or_configuration(code: Code) -> Option<Fault> {
    Some(match code {
        Code::SSL => Fault::Repair(TLS),
        Code::Resolve => repair(
            Party::Cluster,
            "unreachable",
            "check the host name in bootstrap",
        ),
        Code::AllBrokersDown | Code::BrokerTransportFailure => repair(
            Party::Cluster,
            "unreachable",
            "check bootstrap, the network and the brokers",
        ),
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend | Code::ISRInsufficient => {
            repair(
                Party::Cluster,
                "replicas_missing",
                "bring brokers back until min.insync.replicas is met",
            )
        }
        Code::KafkaStorageError | Code::LogDirNotFound => {
            repair(Party::Cluster, "broker_storage", "check the broker's disks")
        }
        Code::GroupMaxSizeReached => repair(
            Party::Cluster,
            "group_full",
            "raise group.max.size of the destination's brokers, or run fewer members",
        ),
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::UnsupportedAssignor => repair(
            Party::Cluster,
            "unsupported_version",
            "upgrade the brokers: Apache Kafka 2.5 or later is needed, with transactions enabled",
        ),
        Code::InvalidTransactionTimeout => repair(
            Party::Configuration,
            "transaction_timeout_refused",
            "lower the transaction timeout below the broker's transaction.max.timeout.ms",
        ),
        Code::InvalidSessionTimeout => repair(
            Party::Configuration,
            "session_timeout_refused",
            "keep the session timeout within the broker's group.min/max.session.timeout.ms",
        ),
        Code::InvalidRequiredAcks => repair(
            Party::Configuration,
            "acks_refused",
            "the brokers refuse acks=all, which watchbell always uses: check what stands between \
             it and the brokers",
        ),
        Code::InvalidGroupId | Code::InconsistentGroupProtocol => repair(
            Party::Configuration,
            "group_refused",
            "choose a group that nothing but watchbell uses",
        ),
        Code::OffsetMetadataTooLarge | Code::InvalidCommitOffsetSize => repair(
            Party::Cluster,
            "offset_metadata_too_large",
            "raise offset.metadata.max.bytes of the destination's brokers to at least 4096, its default",
        ),
        Code::InvalidArgument | Code::NotConfigured | Code::InvalidType => repair(
            Party::Configuration,
            "configuration_refused",
            "check the properties under `kafka:`",
        ),
        Code::FileSystem | Code::CriticalSystemResource => repair(
            Party::Configuration,
            "system_resource",
            "check this machine's memory, disks and limits on open files",
        ),
        _ => return None,
    })
}

/// What nobody has to repair. Every code that is not above stands here.
fn other(code: Code) -> Fault {
    match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => Fault::Size,
        Code::InvalidRecord => Fault::Content,
        Code::PurgeQueue | Code::PurgeInflight | Code::InvalidDifferentRecord => Fault::Withdrawn,
        Code::Fatal
        | Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::InvalidTransactionalState
        | Code::UnknownProducerId
        | Code::OutOfOrderSequenceNumber
        | Code::DuplicateSequenceNumber
        | Code::GaplessGuarantee
        | Code::TransactionCoordinatorFenced
        | Code::Inconsistent
        | Code::State
        | Code::Conflict
        | Code::BrokerDestroy
        | Code::DestroyBroker => Fault::Client,
        // A record with a wrong checksum was damaged on its way: the brokers check what they receive.
        Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::Unknown
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::RequestTimedOut
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotController
        | Code::InvalidRequest
        | Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::MemberIdRequired
        | Code::FencedInstanceId
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch
        | Code::UnreleasedInstanceId
        | Code::RebalanceInProgress
        | Code::ConcurrentTransactions
        | Code::OperationNotAttempted
        | Code::UnstableOffsetCommit
        | Code::OffsetNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::StaleBrokerEpoch
        | Code::StaleControllerEpoch
        | Code::ReassignmentInProgress
        | Code::PreferredLeaderNotAvailable
        | Code::EligibleLeadersNotAvailable
        | Code::ListenerNotFound
        | Code::ThrottlingQuotaExceeded
        | Code::FetchSessionIdNotFound
        | Code::InvalidFetchSessionEpoch
        | Code::RebootstrapRequired
        | Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::OperationTimedOut
        | Code::QueueFull
        | Code::WaitingForCoordinator
        | Code::WaitCache
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::Interrupted
        | Code::Retry
        | Code::NodeUpdate
        | Code::UnknownBroker
        | Code::UnknownGroup
        | Code::PollExceeded
        | Code::AssignmentLost
        | Code::Outdated
        | Code::Underflow
        | Code::Partial
        | Code::Fail => Fault::Passing,
        _ => Fault::Unexpected,
    }
}

/// What an error means that a reader returns in place of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadingFault {
    /// The position is not there, or not there any more: it is judged anew.
    Position,
    /// What stands at the position is no record, or the broker cannot give it: it stays so until
    /// somebody repairs the partition or moves the position.
    Unreadable,
    /// As for any other call.
    Of(Fault),
}

/// Whether an error stands in place of a record that cannot be read, and stays.
pub(super) fn is_unreadable(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.map(reading_fault) == Some(ReadingFault::Unreadable)
}

/// Whose fault an error is that a reader returns in place of a record.
pub(super) fn reading_fault(code: Code) -> ReadingFault {
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::NoOffset | Code::LogTruncation => {
            ReadingFault::Position
        }
        Code::BadMessage
        | Code::BadCompression
        | Code::NotImplemented
        | Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidRequest
        | Code::Inconsistent
        | Code::Partial
        | Code::Underflow
        | Code::Unknown
        | Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::UnsupportedCompressionType
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedVersion => ReadingFault::Unreadable,
        code => ReadingFault::Of(fault(code)),
    }
}

#[cfg(test)]
mod tests;
