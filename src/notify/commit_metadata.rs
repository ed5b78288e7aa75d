//! The metadata of a sink's offset commit: which alerts at or after the committed offset are settled
//! already, and which of those still need a dead letter.

use super::offsets::Offsets;
use crate::event::limits::COMMIT_NOTE_BYTES;

/// The first word of the text: name and version of the format.
const FORMAT: &str = "watchbell-notify-1";

/// Separates the settled offsets from those of them that still need a dead letter.
const DUE_SEPARATOR: &str = " !";

/// Most bytes of the two parts. The follower adds up to 600 bytes about the topic that it reads.
const MAX_DUE_BYTES: usize = 400;
const MAX_SETTLED_BYTES: usize = COMMIT_NOTE_BYTES - MAX_DUE_BYTES - 300;

/// What was done already with alerts at or after the committed offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitMetadata {
    /// The sink accepted them, or they are dead letters.
    pub settled: Offsets,
    /// The sink accepted them, but the dead letter that they need as well is not yet written.
    pub dead_letters_due: Offsets,
}

impl CommitMetadata {
    /// Removes the offsets from `limit` on: the topic has lost those records.
    pub fn remove_from(&mut self, limit: i64) {
        self.settled.remove_from(limit);
        self.dead_letters_due.remove_from(limit);
    }

    /// As ASCII, relative to the position. Offsets that do not fit are left out; after a crash their
    /// alerts are sent again. An offset whose due dead letter does not fit is left out of both lists, so
    /// that no dead letter is lost.
    pub fn to_text(&self, position: i64) -> String {
        let due = self.dead_letters_due.to_text(position, MAX_DUE_BYTES);
        let mut left_out = self.dead_letters_due.clone();
        left_out.remove(&Offsets::from_text(&due, position));
        let mut settled = self.settled.clone();
        settled.remove(&left_out);
        let settled = settled.to_text(position, MAX_SETTLED_BYTES);
        match due.is_empty() {
            true => format!("{FORMAT}{settled}"),
            false => format!("{FORMAT}{settled}{DUE_SEPARATOR}{due}"),
        }
    }

    /// Reads [`CommitMetadata::to_text`]. A text of another format gives the empty value.
    pub fn from_text(text: &str, position: i64) -> CommitMetadata {
        let Some(text) = text.strip_prefix(FORMAT) else {
            return CommitMetadata::default();
        };
        let (settled, due) = text.split_once(DUE_SEPARATOR).unwrap_or((text, ""));
        CommitMetadata {
            settled: Offsets::from_text(settled, position),
            dead_letters_due: Offsets::from_text(due, position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_back_as_written_and_text_of_another_format_is_ignored() {
        let metadata = CommitMetadata {
            settled: (10..40).chain(42..43).collect(),
            dead_letters_due: [12, 42].into_iter().collect(),
        };
        let text = metadata.to_text(10);
        assert_eq!(text, "watchbell-notify-1 0+30 2+1 ! 2+1 29+1");
        assert_eq!(CommitMetadata::from_text(&text, 10), metadata);
        let old = CommitMetadata::from_text("watchbell-notify-1 0+30 2+1", 10);
        assert_eq!(
            (old.settled, old.dead_letters_due.len()),
            (metadata.settled, 0)
        );
        for foreign in ["", "{\"cluster\":\"x\"}", "watchbell-notify-2 0+1"] {
            assert_eq!(
                CommitMetadata::from_text(foreign, 10),
                CommitMetadata::default(),
                "{foreign}"
            );
        }
    }

    #[test]
    fn offsets_that_do_not_fit_are_sent_again_and_no_dead_letter_is_forgotten() {
        let all: Offsets = (0..5_000).map(|n| n * 2).collect();
        let metadata = CommitMetadata {
            settled: all.clone(),
            dead_letters_due: all,
        };
        let text = metadata.to_text(0);
        assert!(text.len() <= 3_300 && text.is_ascii(), "{}", text.len());
        let read = CommitMetadata::from_text(&text, 0);
        assert!(read.dead_letters_due.len() > 50);
        assert_eq!(read.settled, read.dead_letters_due);
    }
}
