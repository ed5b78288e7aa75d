//! What of a file's text became no record, or could not be told apart.
//! Invariant: it stays small, however long the file is.

/// How many places are remembered, beside their count.
const PLACES: usize = 5;

/// Bytes of a line that are remembered.
const BEGINNING_BYTES: usize = 120;

/// What there is to say of a file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that were read.
    pub records: u64,
    /// Lines that are no JSON and hold no event, such as those of a log.
    pub noise_lines: u64,
    /// Their bytes, without line breaks.
    pub noise_bytes: u64,
    /// The first of them.
    pub noise: Vec<NoiseLine>,
    /// Lines in which other text stood before an event.
    pub prefixed_lines: u64,
    /// Bytes of text that was JSON up to a fault, and in which no event could be found.
    pub lost_bytes: u64,
    /// How often that happened.
    pub losses: u64,
    /// The first of them.
    pub lost: Vec<Loss>,
}

/// A line of a file that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its first bytes.
    pub beginning: Vec<u8>,
}

/// Text in which events may have been, and none was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it begins, in bytes of the (decompressed) text.
    pub offset: u64,
    /// The line in which it begins, from 1.
    pub line: u64,
    /// How many bytes, 0 where the text only ends too early.
    pub bytes: u64,
    /// What is wrong there.
    pub what: String,
}

impl Report {
    /// Its bytes are for the caller to count.
    pub(super) fn note_noise(&mut self, line: u64, text: &[u8]) {
        self.noise_lines += 1;
        if self.noise.len() < PLACES {
            let beginning = text[..text.len().min(BEGINNING_BYTES)].to_vec();
            self.noise.push(NoiseLine { line, beginning });
        }
    }

    pub(super) fn note_loss(&mut self, loss: Loss) {
        self.losses += 1;
        self.lost_bytes += loss.bytes;
        if self.lost.len() < PLACES {
            self.lost.push(loss);
        }
    }
}
