//! Whether a committed position still fits its partition; pure. A session that starts and an inspection
//! of one that has stopped judge by the same rules.

use super::committed_position::{CommittedPosition, SourceIdentity};
use super::observe::Gap;
use crate::event::{NextOffset, Partition};
use crate::kafka::BrokerKind;

/// What a committed position means for the partition as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on from here.
    Resume,
    /// Records are gone.
    Gap(Gap),
    /// The partition ends before the position.
    PastEnd,
    /// The position was made on another cluster or topic.
    Foreign,
}

/// Judge a committed position of a source by the partition's oldest offset and its end.
pub(super) fn judge(
    partition: Partition,
    position: &CommittedPosition,
    source: &SourceIdentity,
    broker: BrokerKind,
    (oldest, end): (NextOffset, NextOffset),
) -> Verdict {
    if position.evidence.is_of(source) == Some(false) {
        return Verdict::Foreign;
    }
    if position.next > end {
        return Verdict::PastEnd;
    }
    if position.next < oldest {
        let missing = u64::try_from(oldest.0 - position.next.0).ok();
        return Verdict::Gap(Gap {
            partition,
            from: position.next,
            to: oldest,
            records: missing.filter(|_| !broker.offsets_jump()),
        });
    }
    Verdict::Resume
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Offset;
    use crate::kafka::session::committed_position::LastRecord;

    fn source(cluster: &str, topic: &str) -> SourceIdentity {
        SourceIdentity {
            cluster: Some(cluster.to_owned()),
            topic: topic.to_owned(),
        }
    }

    /// A position after the record at `last`.
    fn after(last: i64, next: i64) -> CommittedPosition {
        let record = LastRecord::new(Offset(last), Some(1_000), None, Some(b"value"));
        CommittedPosition {
            next: NextOffset(next),
            evidence: source("here", "audit").evidence(Some(record)),
        }
    }

    #[test]
    fn positions_are_judged_against_what_the_partition_still_holds() {
        let judge_of = |broker, at| {
            let bounds = (NextOffset(10), NextOffset(20));
            let source = source("here", "audit");
            judge(Partition(0), &after(at - 1, at), &source, broker, bounds)
        };
        let judge_at = |at| judge_of(BrokerKind::Kafka, at);
        assert_eq!(judge_at(10), Verdict::Resume);
        assert_eq!(judge_at(20), Verdict::Resume);
        assert_eq!(judge_at(21), Verdict::PastEnd);
        let gap = |broker| match judge_of(broker, 4) {
            Verdict::Gap(gap) => gap.records,
            other => panic!("{other:?}"),
        };
        assert_eq!(gap(BrokerKind::Kafka), Some(6));
        assert_eq!(gap(BrokerKind::Sls), None, "offsets jump there");
    }

    #[test]
    fn a_position_of_another_source_is_foreign_whatever_its_number() {
        let bounds = (NextOffset(0), NextOffset(20));
        let judge = |cluster, topic| {
            let source = source(cluster, topic);
            judge(
                Partition(0),
                &after(4, 5),
                &source,
                BrokerKind::Kafka,
                bounds,
            )
        };
        assert_eq!(judge("there", "audit"), Verdict::Foreign);
        assert_eq!(judge("here", "other"), Verdict::Foreign);
        assert_eq!(judge("here", "audit"), Verdict::Resume);
    }
}
