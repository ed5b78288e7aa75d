//! Messages of every kind, invented: what templates are tried on before the daemon starts.

use std::sync::Arc;

use super::message::Message;
use super::offsets::Offsets;
use super::queue::{Offered, Pacing, Queue};
use crate::alert::Notice;
use crate::event::NextOffset;

/// How long the examples gather repeats, ms.
const DIGEST_INTERVAL_MS: i64 = 1_000;

/// Each kind in words, as `an alert without a runbook`, and a message of it.
pub(super) fn messages() -> Vec<(&'static str, Message)> {
    let alone = |(kind, notice)| (kind, Message::of_one("example", notice, 0, None));
    let mut messages: Vec<_> = Notice::examples().into_iter().map(alone).collect();
    messages.extend(
        [
            ("a first alert with more of its group", first_with_more()),
            ("a digest of repeats", digest()),
            ("a digest over many groups", overflow()),
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
    };
    Queue::resume(pacing, NextOffset(0), Offsets::default())
}

/// An alert as it is read, neither a test nor told before.
fn offered(group: &str) -> Offered<Arc<Notice>> {
    let mut notice = Notice::example(0);
    notice.test = false;
    notice.group_key = group.to_owned();
    Offered {
        group_key: notice.group_key.clone(),
        level: notice.level,
        rule: notice.rule.clone(),
        alert: Arc::new(notice),
    }
}

fn message(queue: &mut Queue<Arc<Notice>>, now_ms: i64) -> Option<Message> {
    let notification = queue.next(now_ms)?;
    Some(Message::new("example", &notification, 2, None))
}

fn first_with_more() -> Option<Message> {
    let mut queue = queue(1);
    for offset in 0..3 {
        queue.offer(offset, 0, Some(offered("one")));
    }
    message(&mut queue, 0)
}

fn digest() -> Option<Message> {
    let mut queue = queue(1);
    queue.offer(0, 0, Some(offered("one")));
    let first = queue.next(0)?;
    queue.told(0, &first);
    for offset in 1..300 {
        queue.offer(offset, offset, Some(offered("one")));
    }
    message(&mut queue, DIGEST_INTERVAL_MS)
}

fn overflow() -> Option<Message> {
    let mut queue = queue(0);
    for offset in 0..50 {
        queue.offer(offset, offset, Some(offered(&offset.to_string())));
    }
    message(&mut queue, 0)
}
