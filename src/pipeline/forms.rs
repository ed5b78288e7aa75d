//! In which form the outputs of one record are written. The usual form is the whole output; an output
//! that the cluster refused is written smaller, or something else is written in its place. The other
//! outputs of the record stay as they are, so that no alert is lost because an event was refused.

/// The forms of one record's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// Of the event.
    pub event: EventForm,
    /// Of the dead letter, should there be one.
    pub dead_letter: LetterForm,
    /// Of the alerts, by the part of the output buffer that each is; all others are whole.
    pub findings: Vec<(u32, FindingForm)>,
}

/// The form of an event.
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

impl Forms {
    /// Everything as it is.
    pub const WHOLE: Forms = Forms {
        event: EventForm::Whole,
        dead_letter: LetterForm::Whole,
        findings: Vec::new(),
    };

    pub(super) fn finding(&self, part: u32) -> FindingForm {
        let found = self.findings.iter().find(|(of, _)| *of == part);
        found.map_or(FindingForm::Whole, |(_, form)| *form)
    }
}
