//! The alerts partition was assigned to this process, or its topic has changed.

use super::clock::Backlog;
use super::{AssignedPartition, SinkLoop};
use crate::event::NextOffset;
use crate::kafka::follow::{Assigned, Changed};
use crate::notify::commit_metadata::CommitMetadata;
use crate::notify::queue::Queue;
use crate::roles::clock::now_ms;

impl SinkLoop<'_> {
    /// The partition was assigned; reading starts at its position, with the metadata of its commit.
    pub(super) fn begin(&mut self, assigned: &Assigned) {
        let Assigned { from, changed, .. } = *assigned;
        self.log_expired(assigned.expired);
        let mut metadata = CommitMetadata::from_text(&assigned.note, from.0);
        if let Some(changed) = changed {
            self.log_changed(changed);
            if !changed.kept {
                metadata = CommitMetadata::default();
            }
            metadata.remove_from(changed.first_new.0);
        }
        let settled = metadata.settled.clone();
        self.resent.read_back(self.handle, self.sink, from, settled);
        self.assigned = Some(AssignedPartition {
            partition: assigned.partition,
            queue: Queue::resume(self.sink.pacing, from, metadata),
            backlog: self.backlog(assigned.end, assigned.first),
        });
        self.trouble = None;
        self.uncommitted |= changed.is_some();
        tracing::info!(
            sink = self.sink.name,
            from = from.0,
            "reading alerts for a sink"
        );
    }

    fn backlog(&self, end: NextOffset, first: bool) -> Backlog {
        Backlog::new(end.0, first, self.clock.now(), now_ms())
    }

    pub(super) fn log_expired(&self, expired: u64) {
        if expired > 0 {
            tracing::error!(
                sink = self.sink.name,
                expired,
                "alerts expired in the alerts topic before they were sent to this sink"
            );
        }
    }

    /// The topic was truncated or re-created while the partition was assigned. Alerts that were read
    /// already are still sent.
    pub(super) fn changed(&mut self, changed: Changed, end: NextOffset) {
        self.log_changed(changed);
        let now = self.clock.now();
        let lost = self
            .dead_letters
            .topic_changed(changed.first_new.0, changed.kept);
        if lost > 0 {
            tracing::error!(
                sink = self.sink.name,
                lost,
                "alerts that were to become dead letters no longer exist in the topic"
            );
        }
        let backlog = self.backlog(end, false);
        if let Some(assigned) = &mut self.assigned {
            let (first_new, kept) = (changed.first_new, changed.kept);
            assigned.queue.topic_changed(first_new, kept, now);
            assigned.backlog = backlog;
        }
        self.trouble = None;
        self.uncommitted = true;
    }

    fn log_changed(&self, changed: Changed) {
        let sink = &self.sink.name;
        let from = changed.first_new.0;
        match changed.kept {
            true => tracing::error!(
                sink,
                from,
                "the alerts topic was truncated; alerts from this offset on are sent to the sink"
            ),
            false => tracing::error!(
                sink,
                from,
                "the alerts topic was re-created; all alerts in it are sent to the sink"
            ),
        }
    }
}
