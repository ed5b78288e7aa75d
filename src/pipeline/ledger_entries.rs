//! What was published of a source record, as the ledger knows it: the events and dead letters among its outputs, each
//! with the hash of its content. Alerts are not among them.

use super::Batch;
use super::outcome::Outcome;
use super::outputs::{Content, OutputList};
use crate::event::{OutputBuffer, Position, event_and_output};
use crate::ledger::{Fates, OutputEntry, letter_hash, output_hash};

/// The events and dead letters of the source record at this position in a buffer from its record `first` on, each with
/// its topic.
pub fn published<'b>(
    out: &'b OutputBuffer,
    first: usize,
    position: Position<'_>,
    outputs: &'b OutputList,
) -> impl Iterator<Item = (&'b str, OutputEntry)> + use<'b> {
    let of_list = position.element;
    out.iter_from(first).filter_map(move |output| {
        let hash = match outputs.in_topic(output.topic)?.content {
            Content::Events => output_hash(output.value),
            Content::DeadLetters => letter_hash(output.key, output.value, output.headers()),
            Content::Alerts | Content::Ledger => return None,
        };
        let (element, _) = event_and_output(output.part);
        let entry = OutputEntry {
            topic: 0,
            // An event of a list that is read by itself keeps its number.
            element: of_list.unwrap_or(element),
            hash,
        };
        Some((&**output.topic, entry))
    })
}

impl Batch {
    /// What became of a source record, and how many events, dead letters and dropped events.
    pub fn fates_of(&self, outcome: &Outcome) -> (Fates, [u64; 3]) {
        let (mut fates, mut counts) = (Fates::default(), [0; 3]);
        add(outcome, &mut fates, &mut counts);
        if counts[1] > 0 && self.context.privacy.seals_dead_letters() {
            fates.add(Fates::SEALED);
        }
        (fates, counts)
    }
}

fn add(outcome: &Outcome, fates: &mut Fates, counts: &mut [u64; 3]) {
    let (fate, count) = match outcome {
        Outcome::Event { dropped: None, .. } => (Fates::EVENT, 0),
        Outcome::DeadLetter { .. } => (Fates::DEAD_LETTER, 1),
        Outcome::Event { .. } => (Fates::DROPPED, 2),
        Outcome::Several(outcomes) => {
            outcomes.iter().for_each(|one| add(one, fates, counts));
            return;
        }
    };
    fates.add(fate);
    counts[count] += 1;
}
