//! What the ledger knows of one source record: its offset, the hash of its value, what became of it, and the hash of
//! each record that was published of it. As bytes: the distance to the offset before it, 32 bytes of hash, a byte of
//! fates, the number of outputs, and of each output the number of its topic, its element and 16 bytes of hash. Numbers
//! are LEB128: 7 bits in each byte, the lowest first, the highest bit of a byte says that another one follows.

use super::hash::{OutputHash, Sum};

/// What became of a source record; several can hold of one with a list of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fates(pub u8);

impl Fates {
    /// An event was published.
    pub const EVENT: Fates = Fates(1);
    /// A dead letter was published.
    pub const DEAD_LETTER: Fates = Fates(2);
    /// An event was published to no topic, as a route or the noise policy says.
    pub const DROPPED: Fates = Fates(4);
    /// A dead letter was sealed.
    pub const SEALED: Fates = Fates(8);

    /// Adds another one.
    pub fn add(&mut self, more: Fates) {
        self.0 |= more.0;
    }
}

/// A record that was published of a source record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputEntry {
    /// The number of its topic among those that the ledger record names.
    pub topic: u32,
    /// Of a source record with several events, the number of the event, from 0.
    pub element: u32,
    /// The hash of its value, of a dead letter [`super::letter_hash`].
    pub hash: OutputHash,
}

/// What the ledger knows of a source record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its offset.
    pub offset: i64,
    /// The hash of its value.
    pub value: Sum,
    /// What became of it.
    pub fates: Fates,
    /// What was published of it.
    pub outputs: Vec<OutputEntry>,
}

/// The entries of a ledger record end in the middle of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entries are cut short")]
pub struct EntryError;

impl Entry {
    /// Appends its bytes; `base` is the offset after the entry before it.
    pub(super) fn write(&self, base: i64, bytes: &mut Vec<u8>) {
        write_number(bytes, self.offset.abs_diff(base));
        bytes.extend_from_slice(&self.value);
        bytes.push(self.fates.0);
        write_number(bytes, self.outputs.len() as u64);
        for output in &self.outputs {
            write_number(bytes, u64::from(output.topic));
            write_number(bytes, u64::from(output.element));
            bytes.extend_from_slice(&output.hash);
        }
    }
}

/// Calls `take` with each entry; `first` is the offset of the first one.
///
/// # Errors
/// The bytes are none of ours.
pub fn entries(
    first: i64,
    mut bytes: &[u8],
    mut take: impl FnMut(&Entry),
) -> Result<(), EntryError> {
    let mut entry = Entry {
        offset: first,
        value: [0; 32],
        fates: Fates::default(),
        outputs: Vec::new(),
    };
    let mut base = first;
    while !bytes.is_empty() {
        let distance = i64::try_from(read_number(&mut bytes)?).map_err(|_| EntryError)?;
        entry.offset = base.checked_add(distance).ok_or(EntryError)?;
        entry.value = read_array(&mut bytes)?;
        let [fates] = read_array(&mut bytes)?;
        entry.fates = Fates(fates);
        entry.outputs.clear();
        for _ in 0..read_number(&mut bytes)? {
            let mut number = || {
                let number = read_number(&mut bytes)?;
                u32::try_from(number).map_err(|_| EntryError)
            };
            let (topic, element) = (number()?, number()?);
            let hash = read_array(&mut bytes)?;
            entry.outputs.push(OutputEntry {
                topic,
                element,
                hash,
            });
        }
        take(&entry);
        base = entry.offset.checked_add(1).ok_or(EntryError)?;
    }
    Ok(())
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &mut &[u8]) -> Result<u64, EntryError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = read_array(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(EntryError)
}

fn read_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], EntryError> {
    let (array, rest) = bytes.split_first_chunk().ok_or(EntryError)?;
    *bytes = rest;
    Ok(*array)
}
