//! Reads a record of the alerts topic and offers the alert to a sink's queue.

use std::sync::Arc;

use super::clock::Backlog;
use super::pending_dead_letters::PendingDeadLetters;
use crate::event::{Offset, RawRecord};
use crate::notice::Notice;
use crate::notify::Sink;
use crate::notify::queue::{ArrivalTimes, Offered, Queue};
use crate::observe::SinkObserver;

/// Reads one record for a sink.
pub(super) struct AlertReader<'r> {
    pub(super) queue: &'r mut Queue<Arc<Notice>>,
    pub(super) backlog: &'r mut Backlog,
    pub(super) dead_letters: &'r mut PendingDeadLetters,
    pub(super) sink: &'r Sink,
    pub(super) observer: &'r SinkObserver,
    /// Now, on the loop's clock.
    pub(super) now: i64,
}

impl AlertReader<'_> {
    /// Offer the alert to the queue. An unreadable record is offered as a critical alert about itself,
    /// and becomes a dead letter as well.
    pub(super) fn offer(self, record: &RawRecord<'_>) {
        let Offset(offset) = record.position.offset;
        let behind_ms = self.backlog.behind_ms(offset, record.timestamp_ms);
        // Records without a timestamp are older than message format 1 (Kafka 0.10).
        let written_ms = record.timestamp_ms.unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let read = self.sink.read(value, record.position);
        let (mut notice, decision) = read.unwrap_or_else(|error| {
            if self.queue.require_dead_letter(offset) {
                self.dead_letters.add_unreadable(offset, &error);
            }
            // Its content is not known, so no filter can exclude it.
            (
                Notice::unreadable(record.position, written_ms, &error),
                Ok(()),
            )
        });
        // Alerts that were written before a new sink first reads must not wake people.
        notice.history |= self.backlog.is_history(offset);
        let offered = match decision {
            Ok(()) => Some(Offered {
                group_key: notice.group_key.clone(),
                level: notice.level,
                rule: notice.rule.clone(),
                arrival: self.sink.route.arrival(&notice, behind_ms),
                alert: Arc::new(notice),
            }),
            Err(reason) => {
                self.observer.skipped(reason.as_str());
                None
            }
        };
        let times = ArrivalTimes {
            now: self.now,
            arrived: self.backlog.arrived(behind_ms, self.now),
            written_ms,
        };
        self.queue.offer(offset, times, offered);
    }
}
