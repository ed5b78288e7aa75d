//! Invented messages of every kind, on which templates are tried before the daemon starts.

use std::sync::Arc;

use super::commit_metadata::CommitMetadata;
use super::message::Message;
use super::queue::{Arrival, ArrivalTimes, Offered, Pacing, Queue};
use crate::event::NextOffset;
use crate::notice::Notice;

/// How long the examples gather repeats, ms.
const DIGEST_INTERVAL_MS: i64 = 1_000;

/// A description of each kind, such as `an alert without a runbook`, and a message of it.
pub(super) fn messages() -> Vec<(&'static str, Message)> {
    let alone = |(kind, notice)| (kind, Message::of_one("example", notice, 0, None));
    let mut messages: Vec<_> = Notice::examples().into_iter().map(alone).collect();
    messages.extend(
        [
            ("a first alert with more of its group", first_with_more()),
            ("a digest of repeats", digest()),
            ("a digest over many groups", many(0, Arrival::InTime)),
            ("a digest of late alerts", many(20, Arrival::Late)),
            (
                "a digest of alerts from before the first start",
                many(20, Arrival::History),
            ),
        ]
        .into_iter()
        .filter_map(|(kind, message)| Some((kind, message?))),
    );
    messages
}

fn queue(max_waiting: usize) -> Queue<Arc<Notice>> {
    let pacing = Pacing {
        digest_interval_ms: DIGEST_INTERVAL_MS,
        max_waiting: Some(max_waiting),
        max_age_ms: i64::MAX,
    };
    Queue::resume(pacing, NextOffset(0), CommitMetadata::default())
}

/// An alert as it is read from the alerts topic; it is not a test.
fn offered(group: &str, arrival: Arrival) -> Offered<Arc<Notice>> {
    let mut notice = Notice::example(0);
    notice.test = false;
    notice.group_key = group.to_owned();
    Offered {
        group_key: notice.group_key.clone(),
        level: notice.level,
        rule: notice.rule.clone(),
        arrival,
        alert: Arc::new(notice),
    }
}

/// Offer `count` alerts, of one group or each of a group of its own.
fn offer(queue: &mut Queue<Arc<Notice>>, from: i64, count: i64, one_group: bool, arrival: Arrival) {
    for offset in from..from + count {
        let group = if one_group {
            "one".to_owned()
        } else {
            offset.to_string()
        };
        let times = ArrivalTimes {
            now: offset,
            arrived: offset,
            written_ms: offset,
        };
        queue.offer(offset, times, Some(offered(&group, arrival)));
    }
}

fn message(queue: &mut Queue<Arc<Notice>>, now: i64) -> Option<Message> {
    let notification = queue.next(now)?;
    Some(Message::new("example", &notification, 2, None))
}

fn first_with_more() -> Option<Message> {
    let mut queue = queue(1);
    offer(&mut queue, 0, 3, true, Arrival::InTime);
    message(&mut queue, 3)
}

fn digest() -> Option<Message> {
    let mut queue = queue(1);
    offer(&mut queue, 0, 1, true, Arrival::InTime);
    let first = queue.next(0)?;
    queue.accepted(0, &first);
    offer(&mut queue, 1, 299, true, Arrival::InTime);
    message(&mut queue, DIGEST_INTERVAL_MS)
}

fn many(max_waiting: usize, arrival: Arrival) -> Option<Message> {
    let mut queue = queue(max_waiting);
    offer(&mut queue, 0, 50, false, arrival);
    message(&mut queue, 10 * DIGEST_INTERVAL_MS)
}
