//! How large a record each output topic takes, and how large a record is.

use crate::event::OutputRecord;

/// The largest record that each output topic takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Normalized events.
    pub events: usize,
    /// Alerts.
    pub alerts: usize,
    /// Dead letters.
    pub dead_letters: usize,
}

impl Limits {
    /// The same for each topic.
    pub fn all(bytes: usize) -> Limits {
        Limits {
            events: bytes,
            alerts: bytes,
            dead_letters: bytes,
        }
    }

    /// What every topic takes.
    pub fn smallest(self) -> usize {
        self.events.min(self.alerts).min(self.dead_letters)
    }
}

/// Bytes of a record as the broker counts them, framing estimated from above.
pub(super) fn size(output: &OutputRecord) -> usize {
    let headers = output
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len) + 12);
    output.key.as_ref().map_or(0, Vec::len)
        + output.value.as_ref().map_or(0, Vec::len)
        + headers.sum::<usize>()
        + 100
}
