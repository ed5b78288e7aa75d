//! Handles a sink's answer: the notification is accepted, tried again later, or becomes dead letters.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{AssignedPartition, InFlight, SinkLoop};
use crate::notice::Notice;
use crate::notify::SinkAnswer;
use crate::notify::queue::{GivenUp, Notification, NotificationKind};
use crate::roles::clock::now_ms;

impl SinkLoop<'_> {
    pub(super) fn take_answer(&mut self) {
        let Some(in_flight) = &self.in_flight else {
            return;
        };
        let answer = match in_flight.answer.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(answer) => answer,
            Err(TryRecvError::Disconnected) => SinkAnswer::Later {
                after: None,
                detail: "the request ended without an answer".into(),
            },
        };
        let Some(InFlight {
            notification,
            kind,
            firing,
            ..
        }) = self.in_flight.take()
        else {
            return;
        };
        match answer {
            SinkAnswer::Accepted => {
                if let Some(alert) = firing {
                    self.resent.accepted(alert);
                }
                self.accepted(&notification, kind);
            }
            SinkAnswer::Later { after, detail } => self.later(notification, after, &detail),
            SinkAnswer::Refused { detail } => self.refused(notification, &detail),
        }
    }

    fn accepted(&mut self, notification: &Notification<Arc<Notice>>, kind: &'static str) {
        if let Some(AssignedPartition { queue, .. }) = &mut self.assigned {
            queue.accepted(self.clock.now(), notification);
        }
        self.uncommitted = true;
        self.undelivered = 0;
        self.pace.succeeded();
        if self.last_warning.take().is_some() {
            tracing::info!(
                sink = self.sink.name,
                "the sink accepts notifications again"
            );
        }
        let is_first = matches!(notification.kind, NotificationKind::First);
        let delay_ms = now_ms().saturating_sub(notification.alert.time_ms);
        let delay = u64::try_from(delay_ms).ok().map(Duration::from_millis);
        let delay = delay.filter(|_| is_first);
        self.observer.sent(kind, notification.count, delay);
    }

    fn later(
        &mut self,
        notification: Notification<Arc<Notice>>,
        after: Option<Duration>,
        detail: &str,
    ) {
        let now = self.clock.now();
        let after_ms = after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        self.pace.failed(now, after_ms, jitter());
        self.observer.retried();
        self.warn_once(
            detail,
            "a sink did not accept a notification; it will be retried",
        );
        let Some(AssignedPartition { queue, .. }) = &mut self.assigned else {
            return;
        };
        let given_up = queue.failed(now, notification);
        self.give_up(given_up, detail);
    }

    /// It is tried again: only other notifications show whether the sink or this one is at fault.
    fn refused(&mut self, notification: Notification<Arc<Notice>>, detail: &str) {
        let now = self.clock.now();
        let Some(AssignedPartition { queue, .. }) = &mut self.assigned else {
            return;
        };
        let given_up = queue.refused(now, notification);
        if queue.refuses_all() {
            self.pace.refused(now, jitter());
            self.warn_once(
                detail,
                "a sink refuses every notification, so none is given up; they will be retried",
            );
        } else if given_up.is_none() {
            self.warn_once(
                detail,
                "a sink refused a notification; it will be retried a few times after others are accepted",
            );
        }
        if given_up.is_none() {
            self.observer.retried();
        }
        self.give_up(given_up, detail);
    }

    /// Log what is wrong with the sink, unless the last warning was the same.
    fn warn_once(&mut self, detail: &str, what: &'static str) {
        let warning = format!("{what}: {detail}");
        if self.last_warning.as_ref() != Some(&warning) {
            tracing::warn!(sink = self.sink.name, detail, "{what}");
            self.last_warning = Some(warning);
        }
    }

    /// Make dead letters of alerts that are given up.
    fn give_up(&mut self, given_up: Option<GivenUp>, detail: &str) {
        let Some(given_up) = given_up else {
            return;
        };
        self.uncommitted = true;
        self.undelivered += given_up.count;
        self.dead_letters.add_given_up(&given_up, detail);
        tracing::error!(
            sink = self.sink.name,
            reason = given_up.reason,
            detail,
            alerts = given_up.count,
            "alerts that a sink did not accept become dead letters"
        );
    }
}

/// Between 0 and 1, from the clock: random enough to keep processes from retrying at the same moment.
fn jitter() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.5, |since| {
        f64::from(since.subsec_micros() % 1_000) / 1_000.0
    })
}
