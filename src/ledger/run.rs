//! A run: source records of one partition as they are read, until they are written to the ledger as one record.
//! Invariant: the runs of a partition follow each other without a hole, and none is larger than its topic takes.

use std::borrow::Cow;

use data_encoding::BASE64;

use super::chain::Chain;
use super::entry::{Entry, Fates, OutputEntry};
use super::hash::value_hash;
use super::record::{Kind, LedgerRecord};

/// Most source records of a run.
const MOST_RECORDS: usize = 2_000;

/// Most bytes of entries of a run, before base64.
const MOST_BYTES: usize = 256 * 1024;

/// Bytes that a ledger record takes beside its entries: names, numbers, hashes, and framing.
const FRAME_BYTES: usize = 2_048;

/// The bytes that an output takes at most: two numbers of 32 bits and the hash.
const OUTPUT_BYTES: usize = 5 + 5 + 16;

/// How large a run may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    bytes: usize,
}

impl Bounds {
    /// For a topic that takes records of so many bytes.
    pub fn of_topic(max_bytes: usize) -> Bounds {
        let bytes = max_bytes.saturating_sub(FRAME_BYTES) / 4 * 3;
        Bounds {
            bytes: bytes.clamp(8 * OUTPUT_BYTES, MOST_BYTES),
        }
    }

    /// Most outputs in one entry.
    fn outputs(self) -> usize {
        self.bytes / OUTPUT_BYTES - 4
    }
}

/// The source records of a partition that were read since the last ledger record.
#[derive(Debug, Clone, Default)]
pub struct Run {
    before: Option<Chain>,
    bytes: Vec<u8>,
    topics: Vec<String>,
    first: i64,
    last: i64,
    records: usize,
    events: u64,
    dead_letters: u64,
    dropped: u64,
}

/// A partition of a source: the source's name, the topic, the number.
type Of<'o> = (&'o str, &'o str, i32);

impl Run {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds a source record to the run and to the chain. `counts` are events, dead letters and dropped events;
    /// `outputs` are what is published, each with its topic.
    /// Gives the ledger records that have become full.
    pub fn add<'o>(
        &mut self,
        chain: &mut Chain,
        (offset, value): (i64, Option<&[u8]>),
        (fates, counts): (Fates, [u64; 3]),
        outputs: impl Iterator<Item = (&'o str, OutputEntry)>,
        (of, bounds): (Of<'_>, Bounds),
    ) -> Vec<Vec<u8>> {
        let mut full = Vec::new();
        if self.records >= MOST_RECORDS || self.bytes.len() + 64 > bounds.bytes {
            full.extend(self.take(chain, of));
        }
        let mut entry = Entry {
            offset,
            value: value_hash(value),
            fates,
            outputs: Vec::new(),
        };
        for (topic, output) in outputs {
            entry.outputs.push(OutputEntry {
                topic: self.topic(topic),
                ..output
            });
        }
        let most = bounds.outputs();
        let rest = entry.outputs.split_off(entry.outputs.len().min(most));
        let is_large = entry.outputs.len() * OUTPUT_BYTES + 64 + self.bytes.len() > bounds.bytes;
        if is_large && !self.is_empty() {
            // The topics keep their numbers.
            let topics = self.topics.clone();
            full.extend(self.take(chain, of));
            self.topics = topics;
        }
        if self.is_empty() {
            self.before = Some(*chain);
            self.first = offset;
        }
        let base = if self.is_empty() {
            offset
        } else {
            self.last + 1
        };
        entry.write(base, &mut self.bytes);
        chain.add(offset, &entry.value);
        (self.last, self.records) = (offset, self.records + 1);
        self.events += counts[0];
        self.dead_letters += counts[1];
        self.dropped += counts[2];
        if !rest.is_empty() {
            let topics = self.topics.clone();
            full.extend(self.take(chain, of));
            for outputs in rest.chunks(most) {
                entry.outputs = outputs.to_vec();
                full.push(alone(Kind::More, &entry, &topics, (of, [0; 3])));
            }
        }
        full
    }

    /// The number of a topic among those of the run.
    fn topic(&mut self, topic: &str) -> u32 {
        let known = self.topics.iter().position(|known| known == topic);
        let number = known.unwrap_or_else(|| {
            self.topics.push(topic.to_owned());
            self.topics.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The ledger record of the run, and begins the next one after it.
    pub fn take(&mut self, chain: &Chain, of: Of<'_>) -> Option<Vec<u8>> {
        let run = std::mem::take(self);
        let before = run.before.filter(|_| run.records > 0)?;
        let record = LedgerRecord {
            first: Some(run.first),
            last: Some(run.last),
            records: run.records as u64,
            events: run.events,
            dead_letters: run.dead_letters,
            dropped: run.dropped,
            outputs: run
                .topics
                .iter()
                .map(|topic| topic.as_str().into())
                .collect(),
            entries: Cow::Owned(BASE64.encode(&run.bytes)),
            ..LedgerRecord::new(Kind::Run, of, (before.next, chain.next))
        };
        Some(record.linked(Some(&before.head), &chain.head).to_json())
    }
}

/// The ledger records of what a retried dead letter became; they are no link of the chain.
pub fn outputs_record<'o>(
    (offset, value): (i64, Option<&[u8]>),
    (fates, counts): (Fates, [u64; 3]),
    outputs: impl Iterator<Item = (&'o str, OutputEntry)>,
    (of, bounds): (Of<'_>, Bounds),
) -> Vec<Vec<u8>> {
    let mut run = Run::default();
    let outputs: Vec<OutputEntry> = outputs
        .map(|(topic, output)| OutputEntry {
            topic: run.topic(topic),
            ..output
        })
        .collect();
    let mut entry = Entry {
        offset,
        value: value_hash(value),
        fates,
        outputs: Vec::new(),
    };
    let mut counts = counts;
    let mut records = Vec::new();
    for outputs in outputs.chunks(bounds.outputs()) {
        entry.outputs = outputs.to_vec();
        records.push(alone(Kind::Retry, &entry, &run.topics, (of, counts)));
        counts = [0; 3];
    }
    records
}

/// A ledger record of one source record that is no link of the chain.
fn alone(
    kind: Kind,
    entry: &Entry,
    topics: &[String],
    (of, [events, dead_letters, dropped]): (Of<'_>, [u64; 3]),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.write(entry.offset, &mut bytes);
    let record = LedgerRecord {
        first: Some(entry.offset),
        last: Some(entry.offset),
        records: 1,
        events,
        dead_letters,
        dropped,
        outputs: topics.iter().map(|topic| topic.as_str().into()).collect(),
        entries: Cow::Owned(BASE64.encode(&bytes)),
        ..LedgerRecord::new(kind, of, (entry.offset, entry.offset.saturating_add(1)))
    };
    record.to_json()
}

impl Chain {
    /// The ledger record of a chain that begins here.
    pub fn start_record(&self, of: Of<'_>) -> Vec<u8> {
        let record = LedgerRecord::new(Kind::Start, of, (self.next, self.next));
        record.linked(None, &self.head).to_json()
    }

    /// Goes over a gap to `to`; gives its ledger record.
    pub fn gap_record(&mut self, to: i64, of: Of<'_>) -> Vec<u8> {
        self.jump_record(Kind::Gap, Chain::gap, to, of)
    }

    /// Goes to where somebody has moved the position; gives the ledger record.
    pub fn move_record(&mut self, to: i64, of: Of<'_>) -> Vec<u8> {
        self.jump_record(Kind::Move, Chain::moved, to, of)
    }

    fn jump_record(
        &mut self,
        kind: Kind,
        jump: fn(&mut Chain, i64),
        to: i64,
        of: Of<'_>,
    ) -> Vec<u8> {
        let before = *self;
        jump(self, to);
        let record = LedgerRecord::new(kind, of, (before.next, to));
        record.linked(Some(&before.head), &self.head).to_json()
    }
}
