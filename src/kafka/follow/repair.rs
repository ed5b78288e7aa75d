//! What a group's errors mean for a person: the reasons and remedies of the one table of faults.

use rdkafka::error::KafkaError;

use crate::kafka::fault::{Fault, Party, Purpose, ReadingFault, Repair, reading_fault, repair_of};
use crate::kafka::session::NotReady;

/// What somebody has to repair before a group can read its topic on: a damaged record, a topic or a
/// right. Connections and elections pass, and librdkafka goes on trying by itself.
pub(super) fn to_repair((topic, group): (&str, &str), error: &KafkaError) -> Option<NotReady> {
    match reading_fault(error.rdkafka_error_code()?) {
        ReadingFault::Unreadable => Some(NotReady {
            reason: "unreadable",
            remedy: format!(
                "a record of {topic} is damaged ({error}): make a sound replica the leader of its \
                 partition; where there is none, move the position of the sink's group past it"
            ),
        }),
        ReadingFault::Of(Fault::Repair(repair))
            if matches!(repair.party, Party::Topic | Party::Right) =>
        {
            Some(repair_state((topic, group), repair, error))
        }
        ReadingFault::Position | ReadingFault::Of(_) => None,
    }
}

/// What somebody has to repair before a request of a group is answered; `None` where nobody can.
pub(super) fn to_repair_for_answer(of: (&str, &str), error: &KafkaError) -> Option<NotReady> {
    let repair = repair_of(error.rdkafka_error_code()?)?;
    Some(repair_state(of, repair, error))
}

fn repair_state((topic, group): (&str, &str), repair: Repair, error: &KafkaError) -> NotReady {
    let remedy = repair.remedy(Purpose::ReadDestination);
    NotReady {
        reason: repair.reason,
        remedy: format!("read {topic} as the group {group}: {error}: {remedy}"),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaErrorCode as Code;

    use super::*;

    fn reported(code: Code) -> Option<NotReady> {
        let error = KafkaError::MessageConsumption(code);
        to_repair(("alerts", "watchbell-notify-oncall"), &error)
    }

    #[test]
    fn a_sink_reports_what_has_to_be_repaired_and_names_topic_group_and_right() {
        for (code, reason, repair) in [
            (Code::UnknownTopic, "topic_missing", "create the topic"),
            (
                Code::TopicAuthorizationFailed,
                "topic_unauthorized",
                "grant Read and Describe",
            ),
            (
                Code::GroupAuthorizationFailed,
                "group_unauthorized",
                "grant Read on the consumer group",
            ),
            (
                Code::SaslAuthenticationFailed,
                "authentication_failed",
                "check user and password",
            ),
            (
                Code::BadMessage,
                "unreadable",
                "make a sound replica the leader",
            ),
        ] {
            let state = reported(code).expect("a report");
            assert_eq!(state.reason, reason);
            assert!(state.remedy.contains("alerts") && state.remedy.contains(repair));
        }
    }

    #[test]
    fn connections_elections_and_positions_are_not_reported_by_a_sink() {
        for code in [
            Code::AllBrokersDown,
            Code::BrokerTransportFailure,
            Code::NotLeaderForPartition,
            Code::OffsetOutOfRange,
        ] {
            assert_eq!(reported(code), None, "{code:?}");
        }
    }
}
