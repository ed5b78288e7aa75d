//! What a follower tells its user.

use crate::event::{NextOffset, Partition};
use crate::kafka::session::NotReady;

/// What one call of the follower brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowerEvent {
    /// Nothing.
    Idle,
    /// A record, which was handed over.
    Record,
    /// A partition is ours, and is read from now on.
    Assigned(Assigned),
    /// The topic is no longer what it was, while it was being read. It is read on from what is new.
    Changed {
        /// The partition that was read.
        partition: Partition,
        /// What is new in it.
        changed: Changed,
        /// Its end.
        end: NextOffset,
    },
    /// The partition was looked into and is the same; reading goes on.
    Resumed {
        /// The partition.
        partition: Partition,
        /// Records that expired before they were read.
        expired: u64,
    },
    /// Other members have all partitions, and we wait for our turn.
    Spare,
    /// These partitions are no longer ours: forget what was not committed.
    Revoked(Vec<Partition>),
    /// Something to repair.
    Trouble(NotReady),
}

/// A partition that is ours from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The partition.
    pub partition: Partition,
    /// The next record to come.
    pub from: NextOffset,
    /// What stood beside the committed position; empty where nothing did.
    pub note: String,
    /// Records that expired before they were read.
    pub expired: u64,
    /// The partition's end: what is written from here on comes after the assignment.
    pub end: NextOffset,
    /// Whether the group had no position.
    pub first: bool,
    /// Set where the topic is no longer what it was when the position was committed.
    pub changed: Option<Changed>,
}

/// What is left of a partition that lost records, or whose topic was deleted and created anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The first record that was not read before.
    pub first_new: NextOffset,
    /// Whether the records before it are those that were read; otherwise nothing is left of them.
    pub kept: bool,
}

/// How many partitions the followed topic may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitioning {
    /// One, so that all its records have one order. While there are others, none is begun.
    Single,
    /// As many as there are; each has an order and a position of its own.
    Any,
}
