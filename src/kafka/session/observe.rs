//! What a session tells the outside: an observer's calls, and the request to stop.
//! The session's thread calls an observer between its steps, so that a call must return at once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::event::{NextOffset, Offset, Partition};

/// Ask sessions to finish what they have begun, leave their group and return.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<OnceLock<Instant>>);

impl Shutdown {
    /// Ask; the first call starts the budget, later ones change nothing.
    pub fn request(&self) {
        let _ = self.0.set(Instant::now());
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.get().is_some()
    }

    pub(super) fn requested_at(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}

/// A committed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Source records it covers.
    pub records: usize,
    /// Records written.
    pub outputs: usize,
    /// Bytes of the source records' keys and values.
    pub bytes: usize,
    /// From the first output handed over to the confirmed commit.
    pub latency: Duration,
}

/// Records that expired before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Partition of the source.
    pub partition: Partition,
    /// The position that was to be read next.
    pub from: NextOffset,
    /// The oldest record there is.
    pub to: NextOffset,
    /// How many offsets are missing: records, and markers of the source's own transactions. `None` if the
    /// source's offsets jump, so that nobody knows.
    pub records: Option<u64>,
}

impl Gap {
    /// How many records, in words.
    pub(super) fn count(&self) -> String {
        match self.records {
            Some(records) => format!("{records} records"),
            None => "records".to_owned(),
        }
    }
}

/// Records of a partition that cannot be read: the brokers' copy of them is corrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Partition of the source.
    pub partition: Partition,
    /// The first record that cannot be read. Everything before it has been.
    pub offset: Offset,
    /// The first record after them that can be read; `None` where it was not found.
    pub next: Option<NextOffset>,
    /// What the client says.
    pub detail: String,
}

impl Unreadable {
    /// Where reading goes on for whoever gives these records up.
    pub fn past(&self) -> NextOffset {
        self.next.unwrap_or(self.offset.next())
    }
}

/// How far a partition is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Offsets from the committed position to the end: records, and markers of the source's own
    /// transactions among them; 0 once only markers are left. `None` if the source's offsets jump.
    pub records: Option<u64>,
    /// At most how old the oldest record is that waits; `None` before anything is known about it.
    pub age: Option<Duration>,
}

impl Lag {
    /// Nothing waits.
    pub const CAUGHT_UP: Lag = Lag {
        records: Some(0),
        age: Some(Duration::ZERO),
    };
}

/// Why a session is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// Metric label.
    pub reason: &'static str,
    /// What is wrong and what to repair, for a person.
    pub remedy: String,
}

/// Is told what a session does; every method does nothing by default.
pub trait SessionObserver: Sync {
    /// The loop is alive; called at least every transaction timeout, whatever the brokers do.
    fn turned(&self) {}
    /// The partitions owned after a rebalance.
    fn assigned(&self, _partitions: &[Partition]) {}
    /// A batch is committed.
    fn committed(&self, _commit: Commit) {}
    /// A transaction was aborted; `reason` is a metric label.
    fn aborted(&self, _reason: &'static str) {}
    /// Readiness changed; `None` is ready.
    fn readiness(&self, _state: Option<&NotReady>) {}
    /// How far a partition is behind; told every few seconds.
    fn lag(&self, _partition: Partition, _lag: Lag) {}
    /// The committed positions of the partitions that are read; told every few seconds.
    fn positions(&self, _positions: &BTreeMap<Partition, NextOffset>) {}
    /// The partitions of which records cannot be read; told whenever they change.
    fn unreadable(&self, _places: &[Unreadable]) {}
    /// Records expired before they were read.
    fn gap(&self, _gap: Gap) {}
    /// The group had lost the positions of this many partitions; it goes on from the noted ones.
    fn positions_lost(&self, _partitions: usize) {}
    /// Offsets could not be committed on the source for its dashboards, this often since last told.
    fn mirror_failed(&self, _times: u64) {}
    /// A source record's output was refused; something else is written in its place.
    fn quarantined(&self, _partition: Partition, _offset: Offset, _reason: &'static str) {}
}

/// An observer that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl SessionObserver for Silent {}
