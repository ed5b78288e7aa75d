//! The rows of the ledger without what they know of each source record: from where to where, and the chain before and
//! after.

use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::fault::RowPlace;
use super::row::Batch;
use crate::archive::columns::TableKind;
use crate::archive::encode_error::EncodeError;
use crate::archive::open_file::{OpenFile, Wanted};
use crate::archive::ranges::Ranges;
use crate::ledger::Sum;

/// The columns of a link.
const COLUMNS: &[&str] = &[
    "time",
    "kind",
    "source",
    "source_topic",
    "source_partition",
    "position",
    "next_position",
    "first_offset",
    "last_offset",
    "records",
    "events",
    "dead_letters",
    "dropped",
    "chain_before",
    "chain_after",
    "topic",
    "partition",
    "offset",
];

/// A partition of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Of {
    /// The name of the source in the configuration.
    pub source: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it stands in the ledger's topic.
    pub at: RowPlace,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// What it says: the word of a [`crate::ledger::Kind`].
    pub kind: String,
    /// Of what.
    pub of: Of,
    /// The position before it.
    pub from: i64,
    /// The position after it.
    pub next: i64,
    /// The offset of the first source record.
    pub first: Option<i64>,
    /// The offset of the last source record.
    pub last: Option<i64>,
    /// Source records.
    pub records: u64,
    /// Events, dead letters, and events that were published to no topic.
    pub counts: [u64; 3],
    /// The chain before it, `None` where it begins.
    pub before: Option<Sum>,
    /// The chain after it, `None` where it is no link.
    pub after: Option<Sum>,
}

/// The rows of a file of the ledger.
///
/// # Errors
/// The file cannot be read.
pub fn links(file: &dyn Ranges) -> Result<Vec<Link>, EncodeError> {
    let file = OpenFile::open(file)?;
    let mut links = Vec::new();
    for group in 0..file.groups() {
        for rows in file.rows(group, Wanted::Columns(COLUMNS))? {
            let batch = Batch::new(TableKind::Ledger, rows?)?;
            links.extend((0..batch.len()).map(|row| link(&batch, row)));
        }
    }
    Ok(links)
}

fn link(batch: &Batch, row: usize) -> Link {
    let text = |name: &str| batch.text(name, row).unwrap_or_default();
    let count = |name: &str| {
        let count = batch.long(name, row).unwrap_or_default();
        u64::try_from(count).unwrap_or_default()
    };
    let sum = |name: &str| {
        let text = batch.text(name, row)?;
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
    };
    Link {
        at: batch.place(row),
        time_ms: batch.time_ms("time", row).unwrap_or_default(),
        kind: text("kind").to_owned(),
        of: Of {
            source: text("source").into(),
            topic: text("source_topic").into(),
            partition: batch.int("source_partition", row).unwrap_or(-1),
        },
        from: batch.long("position", row).unwrap_or(-1),
        next: batch.long("next_position", row).unwrap_or(-1),
        first: batch.long("first_offset", row),
        last: batch.long("last_offset", row),
        records: count("records"),
        counts: ["events", "dead_letters", "dropped"].map(count),
        before: sum("chain_before"),
        after: sum("chain_after"),
    }
}
