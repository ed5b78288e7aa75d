//! Every code has its place, and the places are right.

use rdkafka::types::RDKafkaRespErr;

use super::*;
use crate::kafka::ClientError;

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

const PURPOSES: [Purpose; 3] = [
    Purpose::ReadSource,
    Purpose::WriteDestination,
    Purpose::ReadDestination,
];

/// Every code that somebody has to repair, with what.
fn repairs() -> Vec<(Code, Repair)> {
    let repair = |code| repair_of(code).map(|repair| (code, repair));
    codes().into_iter().filter_map(repair).collect()
}

#[test]
fn every_repair_has_a_reason_and_a_remedy_for_each_purpose() {
    for (code, repair) in repairs() {
        assert!(!repair.reason.is_empty(), "{code:?}");
        for purpose in PURPOSES {
            assert!(repair.remedy(purpose).len() > 10, "{code:?}");
        }
    }
}

#[test]
fn an_error_has_the_same_reason_and_remedy_for_source_destination_sink_and_inspection() {
    for (code, repair) in repairs() {
        // What sources, the destination and sinks report.
        for purpose in PURPOSES {
            let remedy = repair.remedy(purpose);
            let expected = repair.remedy(Purpose::WriteDestination);
            match is_denied(code) {
                // Only the right's name and its cluster differ.
                true => assert!(remedy.starts_with("grant "), "{code:?}: {remedy}"),
                false => assert_eq!(remedy, expected, "{code:?}"),
            }
        }
        // What an inspection reports of topics, rights and offsets.
        let asked = ClientError::new("ask", &KafkaError::Global(code));
        let told = ClientError::refused("ask", "topic", code);
        assert_eq!(
            (asked.reason(), told.reason()),
            (repair.reason, repair.reason)
        );
        let remedy = (!is_denied(code)).then(|| repair.remedy(Purpose::ReadSource));
        assert_eq!(
            (asked.remedy(), told.remedy()),
            (remedy, remedy),
            "{code:?}"
        );
        let text = describe(code, Purpose::WriteDestination);
        let remedy = repair.remedy(Purpose::WriteDestination);
        assert_eq!(text, format!("{code}: {remedy}"));
        if let Some(login) = login_fault(code, "") {
            assert_eq!(login, repair, "{code:?}");
        }
    }
}

#[test]
fn the_reasons_that_decide_something_belong_to_these_codes() {
    let of = |is: fn(Code) -> bool| -> Vec<Code> {
        let codes = codes().into_iter();
        codes.filter(|code| is(*code)).collect()
    };
    let missing = [
        Code::UnknownPartition,
        Code::UnknownTopic,
        Code::UnknownTopicOrPartition,
        Code::UnknownTopicId,
    ];
    let denied = [
        Code::TopicAuthorizationFailed,
        Code::GroupAuthorizationFailed,
        Code::ClusterAuthorizationFailed,
        Code::TransactionalIdAuthorizationFailed,
    ];
    let login = [
        Code::SSL,
        Code::Authentication,
        Code::UnsupportedSASLMechanism,
        Code::IllegalSASLState,
        Code::SaslAuthenticationFailed,
    ];
    let sorted = |mut codes: Vec<Code>| {
        codes.sort_by_key(|code| format!("{code:?}"));
        codes
    };
    assert_eq!(sorted(of(is_missing)), sorted(missing.to_vec()));
    assert_eq!(sorted(of(is_denied)), sorted(denied.to_vec()));
    assert_eq!(of(is_topic_denied), [Code::TopicAuthorizationFailed]);
    let is_login = |code| login_fault(code, "").is_some();
    assert_eq!(sorted(of(is_login)), sorted(login.to_vec()));
}

#[test]
fn a_certificate_that_is_refused_after_the_handshake_is_no_lost_connection() {
    let lost = |words| login_fault(Code::BrokerTransportFailure, words);
    let refused = lost("SSL routines::tlsv13 alert certificate required").expect("a fault");
    assert_eq!(refused.reason, "tls_failed");
    assert_eq!(lost("Connection refused"), None);
}

#[test]
fn a_refused_timestamp_is_the_clocks_or_the_topics_fault_and_no_records() {
    let Fault::Repair(repair) = fault(Code::InvalidTimestamp) else {
        panic!("a record is blamed");
    };
    assert_eq!(repair.party, Party::Clock);
    assert!(repair.remedy(Purpose::WriteDestination).contains("clock"));
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
