//! Texts of an alert as they may be shown: on one line, without secrets, cut.
//! Invariant: those of one alert take a bounded number of bytes.

use std::cell::Cell;

use crate::event::limits::NOTICE_WORDS_BYTES;
use crate::event::secret::without_secrets;
use crate::finding::Json;
use crate::json::JsonText;
use crate::printable::{beginning, printable_prose, shorten};

/// Most characters of a name, an identifier or a value.
pub(super) const MAX_WORD: usize = 300;

/// Most characters of a runbook or a description, and most bytes.
pub(super) const MAX_PROSE: usize = 2_000;
const MAX_PROSE_BYTES: usize = 4_000;

/// Most elements of any list.
pub(super) const MAX_LIST: usize = 20;

/// The elements of a list; none where it is absent.
pub(super) fn elements(list: Json<'_>) -> impl Iterator<Item = JsonText<'_>> {
    list.into_iter().flat_map(JsonText::elements)
}

/// Texts of an alert; together they take a bounded number of bytes.
pub(super) struct BoundedTexts {
    left_bytes: Cell<usize>,
}

impl Default for BoundedTexts {
    fn default() -> BoundedTexts {
        BoundedTexts {
            left_bytes: Cell::new(NOTICE_WORDS_BYTES),
        }
    }
}

impl BoundedTexts {
    /// A string, without what is not seen and without secrets, cut; nothing where there is nothing to
    /// read, or no room.
    pub(super) fn of(&self, value: Json<'_>) -> Option<String> {
        self.take(&value?.text()?, MAX_WORD)
    }

    /// The same at the end of a path.
    pub(super) fn at(&self, from: Json<'_>, path: &[&str]) -> Option<String> {
        self.of(from?.at(path))
    }

    pub(super) fn list(&self, list: Json<'_>) -> Vec<String> {
        let words = elements(list).filter_map(|value| self.of(Some(value)));
        words.take(MAX_LIST).collect()
    }

    pub(super) fn take(&self, text: &str, max_chars: usize) -> Option<String> {
        let clean = clean(text, max_chars)?;
        let left_bytes = self.left_bytes.get().checked_sub(clean.len())?;
        self.left_bytes.set(left_bytes);
        Some(clean)
    }
}

/// A text on one line and without secrets, cut; `None` where there is nothing to read.
fn clean(text: &str, max_chars: usize) -> Option<String> {
    // Only the part that can remain is searched.
    let seen = visible(beginning(text, 8 * max_chars));
    let clean = without_secrets(seen.trim());
    (!clean.is_empty()).then(|| shorten(&clean, max_chars))
}

/// A text of the rule: it is not part of an event, and has a limit of its own.
pub(super) fn prose(value: Json<'_>) -> Option<String> {
    let seen = visible(&value?.text()?);
    let text = beginning(seen.trim(), MAX_PROSE_BYTES);
    (!text.is_empty()).then(|| shorten(text, MAX_PROSE))
}

/// On one line, and what a reader would not see is escaped.
pub(super) fn visible(text: &str) -> String {
    printable_prose(text).into_owned()
}
