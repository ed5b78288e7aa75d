//! The records that belong to one that is shown, as text.

use crate::kafka::Stored;
use crate::query::{Letter, RetryOf};
use crate::view::words::moment;
use crate::view::{Emitted, Paint, heading, line, page, printable};

/// The alerts that an event raised, a line each.
pub(super) fn alerts_raised(alerts: &[Stored], paint: Paint) -> String {
    let mut text = String::new();
    if !alerts.is_empty() {
        text.push_str(&heading("Alerts raised by it", paint));
    }
    for alert in alerts {
        let alert = Emitted::new(alert.record());
        text.push_str(&format!("  {}\n", line(&alert, paint)));
        if let Some(id) = alert.id() {
            text.push_str(&format!("    alert id {}\n", printable(&id)));
        }
    }
    text
}

/// The events of an alert, a page each.
pub(super) fn events_behind(events: &[Stored], paint: Paint) -> String {
    let mut text = String::new();
    for event in events {
        text.push_str(&heading("The event behind it", paint));
        text.push_str(&page(&Emitted::new(event.record()), paint));
    }
    text
}

/// Whether a dead letter was retried.
pub(super) fn retry(letter: &Letter<'_>, retry: Option<RetryOf>, paint: Paint) -> String {
    let said = match retry {
        Some(retry) => retried(letter, retry),
        None => unretried(letter),
    };
    format!("{}  {said}\n", heading("Retry", paint))
}

/// What became of a dead letter that was retried.
fn retried(letter: &Letter<'_>, retry: RetryOf) -> String {
    let time = retry
        .time_ms
        .map(|time_ms| format!(" at {}", moment(time_ms, 0)));
    let (topic, (partition, offset)) = (letter.record.position.topic, retry.receipt);
    let time = time.unwrap_or_default();
    format!("retried{time}; the receipt is {topic}/{partition}@{offset}")
}

/// How a dead letter can be retried, or why it cannot be.
fn unretried(letter: &Letter<'_>) -> String {
    match letter.obstacle() {
        Some(obstacle) => format!("cannot be retried: {}", obstacle.description()),
        None => format!(
            "not retried; watchbell dead-letters retry {} does it",
            letter.position()
        ),
    }
}
