//! Positions that are kept outside of Kafka.

use crate::event::{NextOffset, Partition};

/// Where the positions of a group are kept if not in the group's commits, which then only show the lag.
pub trait PositionStore: Send {
    /// The position of a partition; `None` if nothing was read of it.
    ///
    /// # Errors
    /// Why it is not known, and what to do.
    fn position(&mut self, partition: Partition) -> Result<Option<StoredPosition>, String>;
}

/// A position that is kept outside of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPosition {
    /// The next record.
    pub next: NextOffset,
    /// The hash of the record before it, as it was given with the record.
    pub last: u32,
}
