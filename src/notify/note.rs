//! What stands beside a sink's committed position: which alerts beyond it were told, and which of those
//! still need a dead letter.

use super::offsets::Offsets;
use crate::event::limits::COMMIT_NOTE_BYTES;

/// The first word of the text; another one belongs to another format.
const FORMAT: &str = "watchbell-notify-1";

/// Between the offsets told and those of them that need a dead letter.
const OWED: &str = " !";

/// Most bytes of the two parts; the reader adds what it has seen, of at most 600 bytes.
const MAX_OWED_BYTES: usize = 400;
const MAX_TOLD_BYTES: usize = COMMIT_NOTE_BYTES - MAX_OWED_BYTES - 300;

/// What an earlier run did beyond the position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// Told, or kept among the dead letters.
    pub settled: Offsets,
    /// Told, and not yet kept among the dead letters although they are to be.
    pub owed: Offsets,
}

impl Note {
    /// The topic has lost the records from `limit` on.
    pub fn cut(&mut self, limit: i64) {
        self.settled.remove_from(limit);
        self.owed.remove_from(limit);
    }

    /// As ASCII, relative to the position. What does not fit is left out, and told again after a
    /// crash; nothing is left out that would lose a dead letter.
    pub fn to_text(&self, position: i64) -> String {
        let owed = self.owed.to_text(position, MAX_OWED_BYTES);
        let mut left_out = self.owed.clone();
        left_out.remove(&Offsets::from_text(&owed, position));
        let mut settled = self.settled.clone();
        settled.remove(&left_out);
        let settled = settled.to_text(position, MAX_TOLD_BYTES);
        match owed.is_empty() {
            true => format!("{FORMAT}{settled}"),
            false => format!("{FORMAT}{settled}{OWED}{owed}"),
        }
    }

    /// Reads [`Note::to_text`]. A text of another format, or of nobody, says nothing.
    pub fn from_text(text: &str, position: i64) -> Note {
        let Some(text) = text.strip_prefix(FORMAT) else {
            return Note::default();
        };
        let (settled, owed) = text.split_once(OWED).unwrap_or((text, ""));
        Note {
            settled: Offsets::from_text(settled, position),
            owed: Offsets::from_text(owed, position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_survives_its_journey_and_foreign_text_says_nothing() {
        let note = Note {
            settled: (10..40).chain(42..43).collect(),
            owed: [12, 42].into_iter().collect(),
        };
        let text = note.to_text(10);
        assert_eq!(text, "watchbell-notify-1 0+30 2+1 ! 2+1 29+1");
        assert_eq!(Note::from_text(&text, 10), note);
        let old = Note::from_text("watchbell-notify-1 0+30 2+1", 10);
        assert_eq!((old.settled, old.owed.len()), (note.settled, 0));
        for foreign in ["", "{\"cluster\":\"x\"}", "watchbell-notify-2 0+1"] {
            assert_eq!(Note::from_text(foreign, 10), Note::default(), "{foreign}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_again_and_no_dead_letter_is_forgotten() {
        let all: Offsets = (0..5_000).map(|n| n * 2).collect();
        let note = Note {
            settled: all.clone(),
            owed: all,
        };
        let text = note.to_text(0);
        assert!(text.len() <= 3_300 && text.is_ascii(), "{}", text.len());
        let read = Note::from_text(&text, 0);
        assert!(read.owed.len() > 50);
        assert_eq!(read.settled, read.owed);
    }
}
