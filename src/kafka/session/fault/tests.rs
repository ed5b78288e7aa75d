//! Every code has its place, and the places are right.

use rdkafka::types::RDKafkaRespErr;

use super::*;

/// Codes of calls that a session does not make (administration, consumption, serializers), and
/// those that are no errors.
const OF_OTHER_CALLS: [Code; 41] = [
    Code::Begin,
    Code::BadMessage,
    Code::BadCompression,
    Code::PartitionEOF,
    Code::ExistingSubscription,
    Code::AssignPartitions,
    Code::RevokePartitions,
    Code::UnknownProtocol,
    Code::NotImplemented,
    Code::NoOffset,
    Code::KeySerialization,
    Code::ValueSerialization,
    Code::KeyDeserialization,
    Code::ValueDeserialization,
    Code::ReadOnly,
    Code::NoEnt,
    Code::Application,
    Code::Noop,
    Code::AutoOffsetReset,
    Code::LogTruncation,
    Code::End,
    Code::NoError,
    Code::OffsetOutOfRange,
    Code::TopicAlreadyExists,
    Code::InvalidPartitions,
    Code::InvalidReplicationFactor,
    Code::InvalidReplicaAssignment,
    Code::NonEmptyGroup,
    Code::GroupIdNotFound,
    Code::TopicDeletionDisabled,
    Code::ElectionNotNeeded,
    Code::NoReassignmentInProgress,
    Code::GroupSubscribedToTopic,
    Code::ResourceNotFound,
    Code::DuplicateResource,
    Code::InconsistentVoterSet,
    Code::InvalidUpdateVersion,
    Code::FeatureUpdateFailed,
    Code::UnknownSubscriptionId,
    Code::TelemetryTooLarge,
    Code::EndAll,
];

/// Every code that librdkafka knows.
fn codes() -> Vec<Code> {
    let known = (-200..=1_000).filter_map(|number| RDKafkaRespErr::try_from(number).ok());
    known.map(Code::from).collect()
}

#[test]
fn every_code_that_librdkafka_knows_is_somebodys_fault_or_belongs_to_another_call() {
    let codes = codes();
    assert!(codes.len() > 150, "{}", codes.len());
    for code in codes {
        let unexpected = fault(code) == Fault::Unexpected;
        assert_eq!(unexpected, OF_OTHER_CALLS.contains(&code), "{code:?}");
    }
}

#[test]
fn only_two_codes_are_about_size_and_one_about_content() {
    let of = |wanted| codes().into_iter().filter(move |c| fault(*c) == wanted);
    let size: Vec<Code> = of(Fault::Size).collect();
    assert_eq!(
        size,
        [Code::MessageSizeTooLarge, Code::MessageBatchTooLarge]
    );
    assert_eq!(
        of(Fault::Content).collect::<Vec<_>>(),
        [Code::InvalidRecord]
    );
}

#[test]
fn what_is_no_record_is_unreadable_and_what_passes_or_can_be_granted_is_not() {
    for code in [
        Code::BadMessage,
        Code::BadCompression,
        Code::InvalidMessage,
        Code::MessageSizeTooLarge,
        Code::NotImplemented,
    ] {
        assert_eq!(reading_fault(code), ReadingFault::Unreadable, "{code:?}");
    }
    for code in codes() {
        let of = reading_fault(code);
        let repaired = matches!(fault(code), Fault::Repair(r) if matches!(r.party, Party::Right));
        let passing = matches!(
            code,
            Code::NotLeaderForPartition | Code::RequestTimedOut | Code::BrokerTransportFailure
        );
        if repaired || passing {
            assert_eq!(of, ReadingFault::Of(fault(code)), "{code:?}");
        }
    }
}

#[test]
fn every_repair_has_a_reason_and_a_remedy_for_each_cluster() {
    for code in codes() {
        if let Fault::Repair(repair) = fault(code) {
            assert!(!repair.reason.is_empty(), "{code:?}");
            for side in [Side::Source, Side::Destination] {
                assert!(repair.remedy(side).len() > 10, "{code:?}");
            }
        }
    }
}

#[test]
fn a_refused_timestamp_is_the_clocks_or_the_topics_fault_and_no_records() {
    let Fault::Repair(repair) = fault(Code::InvalidTimestamp) else {
        panic!("a record is blamed");
    };
    assert_eq!(repair.party, Party::Clock);
    assert!(repair.remedy(Side::Destination).contains("clock"));
}

#[test]
fn settings_rights_and_brokers_are_told_apart() {
    let party = |code| match fault(code) {
        Fault::Repair(repair) => Some(repair.party),
        _ => None,
    };
    for (code, expected) in [
        (Code::UnknownTopicOrPartition, Party::Topic),
        (Code::UnsupportedForMessageFormat, Party::Topic),
        (Code::PolicyViolation, Party::Topic),
        (Code::InvalidConfig, Party::Topic),
        (Code::TopicAuthorizationFailed, Party::Right),
        (Code::SaslAuthenticationFailed, Party::Right),
        (Code::KafkaStorageError, Party::Cluster),
        (Code::NotEnoughReplicas, Party::Cluster),
        (Code::InvalidRequiredAcks, Party::Configuration),
        (Code::InvalidTransactionTimeout, Party::Configuration),
    ] {
        assert_eq!(party(code), Some(expected), "{code:?}");
    }
    for code in [
        Code::InvalidMessageSize,
        Code::RequestTimedOut,
        Code::Unknown,
    ] {
        assert_eq!(fault(code), Fault::Passing, "{code:?}");
    }
}
