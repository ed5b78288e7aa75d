//! A record of the ledger's topic: JSON that says what was read of one partition, from where to where, and the chain
//! before and after it.

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::entry::{Entry, entries};
use super::hash::{ALGORITHM, Sum};

/// The version of the records; additive changes keep it.
pub const VERSION: u32 = 1;

/// What a record of the ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A chain begins: nothing is known of what was read before.
    Start,
    /// Source records were read.
    Run,
    /// Source records had expired before they were read.
    Gap,
    /// Somebody has moved the position.
    Move,
    /// Further outputs of the last source record of the run before; they did not fit into it.
    More,
    /// A dead letter was retried: the outputs that its source record has now.
    Retry,
}

impl Kind {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Start => "start",
            Kind::Run => "run",
            Kind::Gap => "gap",
            Kind::Move => "move",
            Kind::More => "more",
            Kind::Retry => "retry",
        }
    }
}

/// A record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord<'r> {
    /// [`VERSION`].
    pub version: u32,
    /// What it says.
    pub kind: Kind,
    /// The name of the hash.
    #[serde(borrow)]
    pub hash: Cow<'r, str>,
    /// The source, by its name in the configuration.
    #[serde(borrow)]
    pub source: Cow<'r, str>,
    /// The topic of the source.
    #[serde(borrow)]
    pub topic: Cow<'r, str>,
    /// The partition of the topic.
    pub partition: i32,
    /// The position before it.
    pub from: i64,
    /// The position after it.
    pub next: i64,
    /// The offset of the first source record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<i64>,
    /// The offset of the last source record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// Source records.
    pub records: u64,
    /// Events that were published.
    pub events: u64,
    /// Dead letters that were published.
    pub dead_letters: u64,
    /// Events that were published to no topic.
    pub dropped: u64,
    /// The chain before it, in hexadecimal; none where it is no link of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub before: Option<Cow<'r, str>>,
    /// The chain after it.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub after: Option<Cow<'r, str>>,
    /// The topics of the outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    pub outputs: Vec<Cow<'r, str>>,
    /// What is known of each source record, base64.
    #[serde(default, skip_serializing_if = "str::is_empty", borrow)]
    pub entries: Cow<'r, str>,
}

/// The key of the ledger's records of a partition: they have one, so that they keep their order.
pub fn ledger_key((source, topic, partition): (&str, &str, i32)) -> String {
    format!("{source}/{topic}/{partition}")
}

/// The chain before and after a record of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Links {
    /// The hash before it; of the first one zeros.
    pub before: Sum,
    /// The hash after it.
    pub after: Sum,
}

/// A record of the ledger is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRecordError {
    /// It is no JSON of ours.
    #[error("it cannot be read: {0}")]
    Json(String),
    /// It was written by a newer watchbell.
    #[error("it has version {0}, and this watchbell knows {VERSION}")]
    Version(u32),
    /// Its hash is not known here.
    #[error("its hash is {0}, and this watchbell knows {ALGORITHM}")]
    Hash(String),
    /// What is known of the source records cannot be read.
    #[error("its entries cannot be read")]
    Entries,
    /// The chain over its source records is another one.
    #[error("the chain over its source records is not the one that it says")]
    Chain,
    /// Its numbers are not those of its source records.
    #[error("its {0} is not that of its source records")]
    Number(&'static str),
}

impl<'r> LedgerRecord<'r> {
    /// A record without source records, of this partition of this source.
    pub(super) fn new(
        kind: Kind,
        (source, topic, partition): (&'r str, &'r str, i32),
        (from, next): (i64, i64),
    ) -> LedgerRecord<'r> {
        LedgerRecord {
            version: VERSION,
            kind,
            hash: ALGORITHM.into(),
            source: source.into(),
            topic: topic.into(),
            partition,
            from,
            next,
            first: None,
            last: None,
            records: 0,
            events: 0,
            dead_letters: 0,
            dropped: 0,
            before: None,
            after: None,
            outputs: Vec::new(),
            entries: Cow::Borrowed(""),
        }
    }

    /// The same with the chain before and after it.
    pub(super) fn linked(mut self, before: Option<&Sum>, after: &Sum) -> LedgerRecord<'r> {
        self.before = before.map(|before| HEXLOWER.encode(before).into());
        self.after = Some(HEXLOWER.encode(after).into());
        self
    }

    /// Reads a record.
    ///
    /// # Errors
    /// It is none of ours, or a newer one.
    pub fn parse(value: &'r [u8]) -> Result<LedgerRecord<'r>, LedgerRecordError> {
        let record: LedgerRecord<'r> = serde_json::from_slice(value)
            .map_err(|error| LedgerRecordError::Json(error.to_string()))?;
        if record.version != VERSION {
            return Err(LedgerRecordError::Version(record.version));
        }
        if record.hash != ALGORITHM {
            return Err(LedgerRecordError::Hash(record.hash.into_owned()));
        }
        Ok(record)
    }

    /// The chain before and after it; `None` if it is no link.
    pub fn links(&self) -> Option<Links> {
        let sum = |text: &str| HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok();
        Some(Links {
            before: match &self.before {
                Some(before) => sum(before)?,
                None => [0; 32],
            },
            after: sum(self.after.as_deref()?)?,
        })
    }

    /// Calls `take` with what is known of each source record, and checks all numbers and the chain against them.
    ///
    /// # Errors
    /// Something of the record is not as it was written.
    pub fn check(&self, mut take: impl FnMut(&Entry)) -> Result<(), LedgerRecordError> {
        let bytes = BASE64.decode(self.entries.as_bytes());
        let bytes = bytes.map_err(|_| LedgerRecordError::Entries)?;
        let links = self.links();
        let mut chain = Chain {
            next: self.from,
            head: links.map_or([0; 32], |links| links.before),
        };
        let (mut records, mut last) = (0, None);
        let first = self.first.unwrap_or(self.from);
        entries(first, &bytes, |entry| {
            chain.add(entry.offset, &entry.value);
            records += 1;
            last = Some(entry.offset);
            take(entry);
        })
        .map_err(|_| LedgerRecordError::Entries)?;
        let number = |is_right: bool, name| match is_right {
            true => Ok(()),
            false => Err(LedgerRecordError::Number(name)),
        };
        number(records == self.records, "number of records")?;
        number(last == self.last, "last offset")?;
        let next = match self.kind {
            Kind::Start => {
                chain = Chain::begin(&self.topic, self.partition, self.from);
                self.from
            }
            Kind::Gap => {
                chain.gap(self.next);
                self.next
            }
            Kind::Move => {
                chain.moved(self.next);
                self.next
            }
            Kind::Run => chain.next,
            Kind::More | Kind::Retry => return Ok(()),
        };
        number(next == self.next, "next offset")?;
        match links {
            Some(links) if links.after == chain.head => Ok(()),
            _ => Err(LedgerRecordError::Chain),
        }
    }

    /// The JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
