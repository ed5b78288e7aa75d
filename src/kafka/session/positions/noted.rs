//! Which committed positions are noted outside the group, and when; pure.

use std::time::{Duration, Instant};

use super::{Positions, Running};
use crate::event::Partition;
use crate::kafka::session::committed_position::CommittedPositions;

/// How often a position that moves is noted outside the group.
pub(super) const NOTE_PAUSE: Duration = Duration::from_secs(60);

impl Positions {
    /// Which of these partitions' positions should be noted again.
    pub(in crate::kafka::session) fn due_notes(
        &self,
        next_positions: &CommittedPositions,
        now: Instant,
    ) -> Vec<Partition> {
        let due = |running: &Running| match running.noted {
            Some((_, at)) => now.duration_since(at) >= NOTE_PAUSE,
            None => true,
        };
        let running = self.running();
        running
            .filter(|(partition, running)| next_positions.contains_key(partition) && due(running))
            .map(|(partition, _)| partition)
            .collect()
    }

    /// The positions of these partitions are noted as they are committed.
    pub(in crate::kafka::session) fn note(&mut self, partitions: &[Partition], now: Instant) {
        for partition in partitions {
            if let Some(running) = self.running_mut(*partition) {
                running.noted = Some((running.committed.next, now));
            }
        }
    }

    /// Committed positions that are not noted as they are.
    pub(in crate::kafka::session) fn unnoted(&self) -> CommittedPositions {
        let behind = |running: &Running| {
            running
                .noted
                .is_some_and(|(next, _)| next != running.committed.next)
        };
        let running = self.running().filter(|(_, running)| behind(running));
        running
            .map(|(partition, running)| (partition, running.committed.clone()))
            .collect()
    }
}
