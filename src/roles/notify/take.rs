//! A record of the alerts topic, offered to a sink's queue.

use std::sync::Arc;

use super::dead_letters::{DeadLetters, Why};
use crate::alert::Notice;
use crate::event::{Offset, RawRecord};
use crate::kafka::ClientError;
use crate::notify::Sink;
use crate::notify::queue::{Offered, Queue};
use crate::observe::SinkObserver;
use crate::roles::clock::now_ms;

/// Offer a record to the queue. Fails, with nothing taken, where an unreadable alert could not be
/// kept.
pub(super) fn take(
    record: &RawRecord<'_>,
    queue: &mut Queue<Arc<Notice>>,
    sink: &Sink,
    observer: &SinkObserver,
    dead_letters: &DeadLetters,
) -> Result<(), ClientError> {
    let Offset(offset) = record.position.offset;
    let at_ms = record.timestamp_ms.unwrap_or_else(now_ms);
    let notice = match Notice::read(record.value.unwrap_or_default(), record.position) {
        Ok(notice) => notice,
        Err(error) => {
            if !queue.was_settled(offset) {
                let detail = error.to_string();
                let reason = error.reason();
                let why = Why {
                    reason,
                    detail: &detail,
                };
                dead_letters.store_one(record, why)?;
                observer.dead_lettered(reason, 1);
            }
            Notice::unreadable(record.position, at_ms, &error)
        }
    };
    let offered = match sink.route.decide(&notice, at_ms) {
        Ok(()) => Some(Offered {
            group_key: notice.group_key.clone(),
            level: notice.level,
            rule: notice.rule.clone(),
            alert: Arc::new(notice),
        }),
        Err(reason) => {
            observer.skipped(reason.as_str());
            None
        }
    };
    queue.offer(offset, at_ms, offered);
    Ok(())
}
