//! A dead letter through the stages again.
//! Invariant: what cannot be read stays as it is, without another dead letter and without an alert about it; of an
//! event whose other outputs are written, only the missing one is written.

use std::borrow::Cow;

use super::dead_letters::ALERT_OUTPUT;
use super::outputs::Content;
use super::{Batch, Outcome, Reading};
use crate::event::{Output, OutputBuffer, RawRecord, event_and_output};

/// What becomes of a dead letter that is retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It is read: its outputs are appended. A part of it that cannot be, such as one event of a list, is among them
    /// as a dead letter of its own.
    Read {
        /// How many events it holds.
        events: usize,
        /// Why the parts of it that cannot be written are dead letters.
        dead_letters: Vec<String>,
    },
    /// It stays a dead letter, for this reason; nothing is appended.
    Unread(String),
}

impl Batch {
    /// Processes a record that was a dead letter. With `missing`, the record became an event before, and only its
    /// output of this name is missing, as the header `watchbell-output` says.
    pub fn retry(
        &self,
        record: &RawRecord<'_>,
        missing: Option<&str>,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Retried {
        let missing = match missing {
            None => None,
            Some(name) => match self.context.routing.output_number(name) {
                Some(number) => Some((name, number)),
                None => return Retried::Unread(format!("no route {name} writes any more")),
            },
        };
        let mut all = OutputBuffer::default();
        let outcome = self.process(record, reading, &mut all);
        let dead_letters_topic = &self.output(Content::DeadLetters).topic;
        let is_letter = |output: &Output<'_>| output.topic == dead_letters_topic;
        let is_wanted = |output: &Output<'_>| {
            let (_, number) = event_and_output(output.part);
            match missing {
                None => number != ALERT_OUTPUT,
                Some((name, _)) if is_letter(output) => said(output, "watchbell-output") == name,
                Some((_, missing)) => number == missing,
            }
        };
        let wanted = || all.iter().filter(is_wanted);
        let dead_letters: Vec<String> = wanted().filter(is_letter).map(why).collect();
        let events = events(&outcome);
        let is_dropped = wanted().next().is_none() && is_dropped(&outcome);
        let is_read = match missing {
            None => events > 0,
            Some(_) => is_dropped,
        } || wanted().any(|output| !is_letter(&output));
        if !is_read {
            // A record that is not even an event any more is a dead letter as a whole.
            let unread = || all.iter().find(is_letter).filter(|_| events == 0).map(why);
            let why = dead_letters.into_iter().next().or_else(unread);
            return Retried::Unread(why.unwrap_or_else(|| NOT_WRITTEN.to_owned()));
        }
        for output in wanted() {
            let (event, number) = event_and_output(output.part);
            out.begin_event(event);
            out.begin_output(number);
            out.push_copy(output.topic, output.key, output.headers(), output.value);
        }
        Retried::Read {
            events,
            dead_letters,
        }
    }
}

/// Why an output that was missing is not written.
const NOT_WRITTEN: &str =
    "only one output of the event was missing, and the routes no longer write that one";

/// A header of a dead letter: of several of one name the last, because ours are behind those of the record.
fn said<'o>(letter: &Output<'o>, name: &str) -> Cow<'o, str> {
    let named = letter.headers().filter(|header| header.name == name);
    let value = named.last().and_then(|header| header.value);
    String::from_utf8_lossy(value.unwrap_or_default())
}

/// The reason and the detail of a dead letter.
fn why(letter: Output<'_>) -> String {
    let said = |name: &str| said(&letter, name);
    format!("{}: {}", said("watchbell-reason"), said("watchbell-detail"))
}

fn events(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Event { .. } => 1,
        Outcome::DeadLetter { .. } => 0,
        Outcome::Several(outcomes) => outcomes.iter().map(events).sum(),
    }
}

/// Whether an event was written to no topic, as a route or the noise policy says.
fn is_dropped(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Event {
            dropped: Some(_),
            ..
        }
    )
}
