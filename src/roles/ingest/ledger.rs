//! What ingest writes to the ledger: the source records of each partition in runs, and what stands between two runs.
//! The chain up to a position is committed beside it, in the transaction of the ledger's records before it.
//! Invariant: whatever is read is in the ledger before its position is committed.

use std::sync::Arc;

use crate::event::{Header, OutputBuffer, RawRecord};
use crate::kafka::session::Kept;
use crate::ledger::{Bounds, Chain, Fates, OutputEntry, Run, ledger_key};
use crate::pipeline::{LEDGER_OUTPUT, OutputList};

/// The ledger of a source.
#[derive(Debug)]
pub(super) struct Ledger {
    topic: Arc<str>,
    bounds: Bounds,
    source: String,
    source_topic: String,
}

/// What is to be written before the next source record of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// Nothing is known of what was read before: a chain begins at this position, or at the next record.
    Start(Option<i64>),
    /// Somebody has moved the position here.
    Moved(i64),
}

/// The ledger of a partition.
#[derive(Debug)]
pub(super) struct PartitionLedger {
    chain: Chain,
    pending: Pending,
    run: Run,
}

impl Default for PartitionLedger {
    fn default() -> PartitionLedger {
        PartitionLedger {
            chain: Chain {
                next: 0,
                head: [0; 32],
            },
            pending: Pending::Start(None),
            run: Run::default(),
        }
    }
}

impl PartitionLedger {
    /// As it was committed, at this position.
    pub(super) fn read(kept: Kept<'_>, next: i64) -> PartitionLedger {
        let text = kept.state.map_or("", |state| state.as_str());
        let chain = text.split(' ').find_map(Chain::parse);
        let new = PartitionLedger::default();
        match chain {
            None => PartitionLedger {
                pending: Pending::Start(Some(next)),
                ..new
            },
            Some(chain) => PartitionLedger {
                chain,
                pending: match kept.moved_from {
                    Some(_) => Pending::Moved(next),
                    None => Pending::Nothing,
                },
                ..new
            },
        }
    }

    /// The chain, to be committed; nothing as long as there is none.
    pub(super) fn text(&self) -> Option<String> {
        (self.pending == Pending::Nothing).then(|| self.chain.text())
    }
}

impl Ledger {
    /// The ledger of a source; `None` where there is none.
    pub(super) fn new(outputs: &OutputList, source: &str, source_topic: &str) -> Option<Ledger> {
        let output = outputs.ledger()?;
        Some(Ledger {
            topic: output.topic.clone(),
            bounds: Bounds::of_topic(output.max_bytes),
            source: source.to_owned(),
            source_topic: source_topic.to_owned(),
        })
    }

    /// Adds a source record and what was published of it.
    pub(super) fn add<'o>(
        &self,
        of: &mut PartitionLedger,
        record: &RawRecord<'_>,
        fates: (Fates, [u64; 3]),
        outputs: impl Iterator<Item = (&'o str, OutputEntry)>,
    ) -> Vec<Vec<u8>> {
        let partition = record.position.partition.0;
        let offset = record.position.offset.0;
        let mut written = self.begin(of, partition, offset);
        let full = of.run.add(
            &mut of.chain,
            (offset, record.value),
            fates,
            outputs,
            (self.place(partition), self.bounds),
        );
        written.extend(full);
        written
    }

    /// What stands before a source record.
    fn begin(&self, of: &mut PartitionLedger, partition: i32, offset: i64) -> Vec<Vec<u8>> {
        let place = self.place(partition);
        match std::mem::replace(&mut of.pending, Pending::Nothing) {
            Pending::Nothing => Vec::new(),
            Pending::Start(at) => {
                let at = at.unwrap_or(offset);
                of.chain = Chain::begin(&self.source_topic, partition, at);
                vec![of.chain.start_record(place)]
            }
            Pending::Moved(to) => vec![of.chain.move_record(to, place)],
        }
    }

    /// Source records expired before they were read.
    pub(super) fn gap(
        &self,
        of: &mut PartitionLedger,
        partition: i32,
        (from, to): (i64, i64),
    ) -> Vec<Vec<u8>> {
        let mut written = self.begin(of, partition, from);
        written.push(of.chain.gap_record(to, self.place(partition)));
        written
    }

    /// Writes what was read of a partition since the ledger's last record.
    pub(super) fn finish(&self, of: &mut PartitionLedger, partition: i32) -> Option<Vec<u8>> {
        of.run.take(&of.chain, self.place(partition))
    }

    fn place(&self, partition: i32) -> (&str, &str, i32) {
        (&self.source, &self.source_topic, partition)
    }

    /// Appends records of the ledger.
    pub(super) fn write(&self, partition: i32, values: Vec<Vec<u8>>, out: &mut OutputBuffer) {
        if values.is_empty() {
            return;
        }
        let key = ledger_key(self.place(partition));
        let headers = [Header {
            name: "content-type",
            value: Some(b"application/json"),
        }];
        for value in values {
            out.begin_event(0);
            out.begin_output(LEDGER_OUTPUT);
            out.push_copy(&self.topic, Some(key.as_bytes()), headers, Some(&value));
        }
    }
}
