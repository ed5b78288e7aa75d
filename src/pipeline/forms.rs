//! In which form the outputs of one record are written. The usual form is the whole output; an output
//! that the cluster refused is written smaller, or something else is written in its place. The other
//! outputs of the record stay as they are, so that no alert is lost because an event was refused.

/// The forms of one record's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// Of the outputs that hold the event, by their number; all others are whole.
    pub events: Vec<(u32, EventForm)>,
    /// Of the dead letter, should there be one.
    pub dead_letter: LetterForm,
    /// Of the alerts, by their number among the event's outputs; all others are whole.
    pub findings: Vec<(u32, FindingForm)>,
    /// Of the outputs of other events than the first in a record that holds several, by the number of the event;
    /// all others are whole.
    pub later_events: Vec<(u32, Forms)>,
}

/// The form of an output that holds an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventForm {
    /// As it is.
    Whole,
    /// Without its raw parts.
    Slimmed,
    /// A dead letter instead, for this reason.
    DeadLetter {
        /// Metric label, and the header `watchbell-reason`.
        reason: &'static str,
        /// For a person.
        detail: String,
    },
}

/// The form of a dead letter, from the largest to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterForm {
    /// The original untouched.
    Whole,
    /// Without the original's value, whose size and SHA-256 stand in the headers.
    Cut,
    /// Nothing of the original but where it stands.
    Headers,
}

/// The form of an alert, from the largest to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingForm {
    /// As it is.
    Whole,
    /// Without the event as evidence, its texts and lists shortened.
    Shortened,
    /// Only which rule matched, who did what, and where the record stands.
    Minimal,
}

static WHOLE: Forms = Forms::WHOLE;

impl Forms {
    /// Everything as it is.
    pub const WHOLE: Forms = Forms {
        events: Vec::new(),
        dead_letter: LetterForm::Whole,
        findings: Vec::new(),
        later_events: Vec::new(),
    };

    /// The forms of the outputs of one event of the record, by its number.
    pub(super) fn of_event(&self, event: u32) -> &Forms {
        if event == 0 {
            return self;
        }
        let found = self.later_events.iter().find(|(of, _)| *of == event);
        found.map_or(&WHOLE, |(_, forms)| forms)
    }

    /// The same, to be changed.
    pub fn of_event_mut(&mut self, event: u32) -> &mut Forms {
        if event == 0 {
            return self;
        }
        let found = self.later_events.iter().position(|(of, _)| *of == event);
        let index = found.unwrap_or_else(|| {
            self.later_events.push((event, Forms::WHOLE));
            self.later_events.len() - 1
        });
        &mut self.later_events[index].1
    }

    pub(super) fn event(&self, output: u32) -> &EventForm {
        let found = self.events.iter().find(|(of, _)| *of == output);
        found.map_or(&EventForm::Whole, |(_, form)| form)
    }

    pub(super) fn finding(&self, output: u32) -> FindingForm {
        let found = self.findings.iter().find(|(of, _)| *of == output);
        found.map_or(FindingForm::Whole, |(_, form)| *form)
    }
}
