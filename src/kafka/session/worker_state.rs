//! What a worker keeps beside the committed position of a partition; pure.
//! Invariant: it is written into the commit's metadata without escapes and in bounded space.

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::NextOffset;

/// A text of a worker's own, such as a hash over the records before a position: printable ASCII without
/// quotation marks and backslashes, at most [`WorkerState::MAX_BYTES`] long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerState(String);

impl WorkerState {
    /// Most bytes of the text.
    pub const MAX_BYTES: usize = 256;

    /// `None` where the text is too long or holds other characters.
    pub fn new(text: impl Into<String>) -> Option<WorkerState> {
        let text = text.into();
        let is_plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        let fits = text.len() <= WorkerState::MAX_BYTES && text.bytes().all(is_plain);
        fits.then_some(WorkerState(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a worker finds again at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept<'s> {
    /// Its state.
    pub state: Option<&'s WorkerState>,
    /// Set if somebody has moved the position since: the state is that of the position before.
    pub moved_from: Option<NextOffset>,
}

impl<'s> Kept<'s> {
    /// The state, if it is that of this position.
    pub fn state_here(self) -> Option<&'s WorkerState> {
        self.state.filter(|_| self.moved_from.is_none())
    }
}

/// Reads a member of a JSON object. What is no [`WorkerState`] reads as none, so that the members beside
/// it are not lost.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<WorkerState>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().and_then(WorkerState::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_short_and_needs_no_escape() {
        let longest = "x".repeat(WorkerState::MAX_BYTES);
        for text in ["", "sha256:00ff", "a b ~", &longest] {
            let state = WorkerState::new(text).expect(text);
            assert_eq!(state.as_str(), text);
            let json = serde_json::to_string(&state).expect("JSON");
            assert_eq!(json.len(), text.len() + 2);
        }
        let longer = format!("{longest}x");
        for text in [&longer, "a\"b", "a\\b", "a\nb", "\u{7f}", "\u{e9}"] {
            assert_eq!(WorkerState::new(text), None, "{text}");
        }
    }
}
