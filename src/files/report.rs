//! Counts the text of a file that became no record, or of which the number of events is unknown.
//! Invariant: it stays small, however long the file is.

/// Number of places that are listed; all are counted.
const PLACES: usize = 5;

/// Most bytes of a line that are listed.
const BEGINNING_BYTES: usize = 120;

/// A summary of a file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that were read.
    pub records: u64,
    /// Lines that are not JSON and contain no event, such as log lines.
    pub noise_lines: u64,
    /// Their bytes, without line breaks.
    pub noise_bytes: u64,
    /// The first of them.
    pub noise: Vec<NoiseLine>,
    /// Lines in which other text stood before an event.
    pub prefixed_lines: u64,
    /// Bytes of text that was JSON up to a syntax error, and in which no event could be found.
    pub lost_bytes: u64,
    /// How often that happened.
    pub losses: u64,
    /// The first of them.
    pub lost: Vec<Loss>,
}

/// A line of a file without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its first bytes.
    pub beginning: Vec<u8>,
}

/// Text that may have contained events, of which none could be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it begins, in bytes of the (decompressed) text.
    pub offset: u64,
    /// The line in which it begins, from 1.
    pub line: u64,
    /// Number of bytes; 0 if the text only ends too early.
    pub bytes: u64,
    /// What is wrong there.
    pub what: String,
}

impl Report {
    /// Counts and lists a line; the caller adds its bytes to `noise_bytes`.
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
