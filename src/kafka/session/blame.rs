//! Which records' outputs the cluster refuses for their size or content; pure.
//!
//! A broker refuses whole requests, in which outputs of several records can stand: then each record is
//! tried alone, and only the one that fails alone is to blame. Invariants: what is held against a
//! record goes with its partition, with the record's commit, and with the end of a trouble; and every
//! chain of refusals ends, in a commit or in a trouble.

use std::collections::{BTreeMap, BTreeSet};

use super::committed_position::{CommittedPositions, RecordPosition};
use super::transaction::BatchContents;
use super::worker::{Cause, Refusals, RefusedOutput};
use crate::event::Partition;

/// One output of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// Index of the source record in its batch.
    pub(super) source_index: usize,
    /// Which of that record's outputs.
    pub(super) part: u32,
    pub(super) topic: String,
    pub(super) cause: Cause,
    /// What the cluster said.
    pub(super) detail: String,
}

/// So many records in a row, each alone, whose content one topic refuses are the topic's fault: of
/// its settings, not of the records.
const REFUSED_IN_A_ROW: usize = 3;

/// What refused outputs of a batch mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Several records may be to blame: each of them is tried alone.
    Suspects,
    /// These outputs of one record are replaced from now on.
    Replace(RecordPosition, Vec<RefusedOutput>),
    /// This output was refused in every form that there is.
    Hopeless(RecordPosition, RefusedOutput),
    /// A topic refuses the content of one record after the other.
    Topic(RefusedOutput),
}

/// What is held against records of the source.
#[derive(Debug, Default)]
pub(super) struct Blame {
    suspects: BTreeSet<RecordPosition>,
    refusals: BTreeMap<RecordPosition, Refusals>,
    /// Records of which an output was refused in every form: they are tried again and again.
    hopeless: BTreeSet<RecordPosition>,
    /// Records whose content was refused since the last commit of one without refusals.
    in_a_row: BTreeSet<RecordPosition>,
}

impl Blame {
    /// Whether a record must stand alone in its batch.
    pub(super) fn isolates(&self, place: RecordPosition) -> bool {
        !self.suspects.is_empty() && self.suspects.contains(&place)
    }

    /// Whether some records are still to be tried alone.
    pub(super) fn has_suspects(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// What was refused of a record's outputs.
    pub(super) fn refusals(&self, place: RecordPosition) -> Option<&Refusals> {
        if self.refusals.is_empty() {
            return None;
        }
        self.refusals.get(&place)
    }

    /// Judge refused outputs of a batch; `None` where no record of it was named.
    pub(super) fn judge(
        &mut self,
        refused: &[Refused],
        contents: &BatchContents,
    ) -> Option<Judgement> {
        let place = |refused: &Refused| contents.places.get(refused.source_index).copied();
        let places: BTreeSet<RecordPosition> = refused.iter().filter_map(place).collect();
        let first = *places.first()?;
        // Of a batch with several bad records librdkafka does not tell the true code.
        let unsure = contents.places.len() > 1 && refused.iter().any(|r| r.cause == Cause::Content);
        if places.len() > 1 || unsure {
            self.suspects.extend(places);
            return Some(Judgement::Suspects);
        }
        let refusals = self.refusals.entry(first).or_default();
        let mut noted = Vec::new();
        for Refused {
            part,
            topic,
            cause,
            detail,
            ..
        } in refused
        {
            noted.push(refusals.note(*part, topic, *cause, detail).clone());
        }
        if let Some(content) = refused.iter().position(|r| r.cause == Cause::Content) {
            self.in_a_row.insert(first);
            if self.in_a_row.len() >= REFUSED_IN_A_ROW {
                return Some(Judgement::Topic(noted.swap_remove(content)));
            }
        }
        let hopeless = noted.iter().find(|output| output.is_hopeless()).cloned();
        Some(match hopeless {
            Some(output) => {
                self.hopeless.insert(first);
                Judgement::Hopeless(first, output)
            }
            None => Judgement::Replace(first, noted),
        })
    }

    /// Whether a record waits of which an output was refused in every form. The commit of another one
    /// does not end that trouble.
    pub(super) fn has_hopeless(&self) -> bool {
        !self.hopeless.is_empty()
    }

    /// This batch is committed.
    pub(super) fn committed(&mut self, contents: &BatchContents) {
        let sound = |place| !self.refusals.contains_key(place);
        if !self.in_a_row.is_empty() && contents.places.iter().any(sound) {
            self.in_a_row.clear();
        }
        self.passed(&contents.positions);
    }

    /// These positions are committed: nothing is held against the records before them, whether they
    /// were read again or have expired meanwhile.
    pub(super) fn passed(&mut self, positions: &CommittedPositions) {
        self.retain(|(partition, offset)| {
            positions
                .get(&partition)
                .is_none_or(|position| offset.0 >= position.next.0)
        });
    }

    /// These partitions belong to others now, and so do their records.
    pub(super) fn disown(&mut self, partitions: &[Partition]) {
        self.retain(|(partition, _)| !partitions.contains(&partition));
        self.in_a_row.retain(|(of, _)| !partitions.contains(of));
    }

    /// A trouble has begun or is over, or limits are known anew: what was refused meanwhile says
    /// nothing about the records.
    pub(super) fn forget(&mut self) {
        self.suspects.clear();
        self.refusals.clear();
        self.hopeless.clear();
    }

    fn retain(&mut self, keep: impl Fn(RecordPosition) -> bool) {
        self.suspects.retain(|place| keep(*place));
        self.refusals.retain(|place, _| keep(*place));
        self.hopeless.retain(|place| keep(*place));
    }

    /// Whether nothing is held against any record.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.suspects.is_empty()
            && self.refusals.is_empty()
            && self.hopeless.is_empty()
            && self.in_a_row.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{NextOffset, Offset};
    use crate::kafka::session::committed_position::{CommittedPosition, Evidence};

    fn place(partition: i32, offset: i64) -> RecordPosition {
        (Partition(partition), Offset(offset))
    }

    fn refused(source_index: usize, cause: Cause) -> Refused {
        Refused {
            source_index,
            part: 0,
            topic: "events".into(),
            cause,
            detail: "refused".into(),
        }
    }

    fn positions(next: &[(i32, i64)]) -> CommittedPositions {
        let position = |next| CommittedPosition {
            next: NextOffset(next),
            evidence: Evidence::default(),
        };
        let each = next
            .iter()
            .map(|(of, next)| (Partition(*of), position(*next)));
        each.collect()
    }

    /// A batch of these records, the last of each partition last.
    fn batch(places: &[RecordPosition]) -> BatchContents {
        let next = places.iter().map(|(of, offset)| (of.0, offset.0 + 1));
        BatchContents {
            places: places.to_vec(),
            positions: positions(&next.collect::<Vec<_>>()),
            bytes: 0,
        }
    }

    fn contents() -> BatchContents {
        batch(&[place(0, 7), place(1, 3), place(0, 8)])
    }

    #[test]
    fn one_record_with_outputs_that_are_too_large_is_to_blame() {
        let mut blame = Blame::default();
        let judged = blame.judge(&[refused(1, Cause::Size)], &contents());
        let Some(Judgement::Replace(found, outputs)) = judged else {
            panic!("{judged:?}");
        };
        assert_eq!((found, outputs.len()), (place(1, 3), 1));
        assert_eq!(outputs[0].reason(), "output_too_large");
        assert!(blame.refusals(place(1, 3)).is_some());
        assert!(blame.refusals(place(0, 7)).is_none());
    }

    #[test]
    fn several_refused_records_are_suspects_until_one_fails_alone() {
        let mut blame = Blame::default();
        let both = [refused(0, Cause::Size), refused(2, Cause::Size)];
        assert_eq!(blame.judge(&both, &contents()), Some(Judgement::Suspects));
        assert!(blame.isolates(place(0, 7)) && blame.isolates(place(0, 8)));
        assert!(!blame.isolates(place(1, 3)));
        blame.committed(&batch(&[place(0, 7)]));
        assert!(!blame.isolates(place(0, 7)), "innocent once committed");
        assert!(blame.isolates(place(0, 8)));
    }

    #[test]
    fn a_record_is_blamed_for_its_content_only_once_it_fails_alone() {
        let mut blame = Blame::default();
        let content = [refused(1, Cause::Content)];
        assert_eq!(
            blame.judge(&content, &contents()),
            Some(Judgement::Suspects)
        );
        let alone = batch(&[place(1, 3)]);
        let judged = blame.judge(&[refused(0, Cause::Content)], &alone);
        assert!(
            matches!(judged, Some(Judgement::Replace(found, _)) if found == place(1, 3)),
            "{judged:?}"
        );
    }

    #[test]
    fn a_topic_that_refuses_one_record_after_the_other_is_to_blame_itself() {
        let mut blame = Blame::default();
        let alone = |offset| batch(&[place(0, offset)]);
        let mut refuse = |offset| {
            let judged = blame.judge(&[refused(0, Cause::Content)], &alone(offset));
            if matches!(judged, Some(Judgement::Replace(..))) {
                // Its dead letter is taken by another topic.
                blame.committed(&alone(offset));
            }
            judged
        };
        assert!(matches!(refuse(1), Some(Judgement::Replace(..))));
        assert!(matches!(refuse(2), Some(Judgement::Replace(..))));
        let judged = refuse(3);
        assert!(matches!(judged, Some(Judgement::Topic(_))), "{judged:?}");
        // Until it takes one again.
        assert!(matches!(refuse(3), Some(Judgement::Topic(_))));
        blame.forget();
        blame.committed(&batch(&[place(1, 9)]));
        let judged = blame.judge(&[refused(0, Cause::Content)], &alone(4));
        assert!(matches!(judged, Some(Judgement::Replace(..))), "{judged:?}");
    }

    #[test]
    fn an_output_that_is_refused_again_and_again_is_hopeless() {
        let mut blame = Blame::default();
        let mut refuse = || blame.judge(&[refused(1, Cause::Size)], &contents());
        assert!(matches!(refuse(), Some(Judgement::Replace(..))));
        assert!(matches!(refuse(), Some(Judgement::Replace(..))));
        assert!(matches!(refuse(), Some(Judgement::Hopeless(..))));
        // The trouble lasts until that record is committed, or belongs to somebody else.
        blame.committed(&batch(&[place(0, 7)]));
        assert!(blame.has_hopeless());
        blame.committed(&batch(&[place(1, 3)]));
        assert!(!blame.has_hopeless());
    }

    #[test]
    fn nothing_is_left_of_a_partition_that_went_elsewhere() {
        let mut blame = Blame::default();
        let both = [refused(0, Cause::Size), refused(1, Cause::Size)];
        blame.judge(&both, &contents());
        blame.judge(&[refused(2, Cause::Size)], &contents());
        blame.judge(&[refused(0, Cause::Content)], &batch(&[place(0, 7)]));
        blame.disown(&[Partition(0)]);
        assert!(blame.isolates(place(1, 3)), "it is still ours");
        assert!(!blame.isolates(place(0, 7)));
        assert!(blame.refusals(place(0, 8)).is_none());
        blame.disown(&[Partition(1)]);
        assert!(blame.is_empty(), "{blame:?}");
    }

    #[test]
    fn nothing_is_left_of_records_before_a_committed_position_read_or_not() {
        let mut blame = Blame::default();
        let both = [refused(0, Cause::Size), refused(1, Cause::Size)];
        blame.judge(&both, &contents());
        blame.judge(&[refused(2, Cause::Size)], &contents());
        // They have expired: the position moves over them.
        blame.passed(&positions(&[(0, 9)]));
        assert!(blame.refusals(place(0, 8)).is_none() && !blame.isolates(place(0, 7)));
        assert!(blame.isolates(place(1, 3)));
        blame.passed(&positions(&[(1, 3)]));
        assert!(blame.isolates(place(1, 3)), "it is yet to be read");
        blame.passed(&positions(&[(1, 4)]));
        assert!(blame.is_empty(), "{blame:?}");
    }
}
