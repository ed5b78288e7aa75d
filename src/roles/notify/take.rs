//! A record of the alerts topic, offered to a sink's queue.

use std::sync::Arc;

use super::clock::Backlog;
use super::letters::Letters;
use crate::event::{Offset, RawRecord};
use crate::notice::Notice;
use crate::notify::Sink;
use crate::notify::queue::{Offered, Queue, Times};
use crate::observe::SinkObserver;

/// What takes a record.
pub(super) struct Taker<'t> {
    pub(super) queue: &'t mut Queue<Arc<Notice>>,
    pub(super) backlog: &'t mut Backlog,
    pub(super) letters: &'t mut Letters,
    pub(super) sink: &'t Sink,
    pub(super) observer: &'t SinkObserver,
    /// Now, on the loop's clock.
    pub(super) now: i64,
}

impl Taker<'_> {
    /// Offer a record to the queue. One that cannot be read is told, too, and becomes a dead letter.
    pub(super) fn take(self, record: &RawRecord<'_>) {
        let Offset(offset) = record.position.offset;
        let behind_ms = self.backlog.behind_ms(offset, record.timestamp_ms);
        // A record without a timestamp was written before there were any.
        let written_ms = record.timestamp_ms.unwrap_or_default();
        let (mut notice, wanted) =
            match Notice::read(record.value.unwrap_or_default(), record.position) {
                Ok(notice) => {
                    let wanted = self.sink.route.decide(&notice);
                    (notice, wanted)
                }
                Err(error) => {
                    if self.queue.owe(offset) {
                        self.letters.owe_unreadable(offset, &error);
                    }
                    // What it was for is not known, so no filter applies.
                    (
                        Notice::unreadable(record.position, written_ms, &error),
                        Ok(()),
                    )
                }
            };
        // A new sink is not woken by what is older than it.
        notice.history |= self.backlog.is_history(offset);
        let offered = match wanted {
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
        let times = Times {
            now: self.now,
            came: self.backlog.came(behind_ms, self.now),
            written_ms,
        };
        self.queue.offer(offset, times, offered);
    }
}
