//! What a sink's answer does: told, asked again, or given up to the dead letters.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::dead_letters::Why;
use super::{InFlight, Loop};
use crate::alert::Notice;
use crate::notify::Answer;
use crate::notify::queue::{Kind, Notification};
use crate::roles::clock::now_ms;

impl Loop<'_> {
    pub(super) fn take_answer(&mut self) {
        let Some(in_flight) = &self.in_flight else {
            return;
        };
        let answer = match in_flight.answer.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(answer) => answer,
            Err(TryRecvError::Disconnected) => Answer::Later {
                after: None,
                detail: "the request was abandoned".into(),
            },
        };
        let Some(InFlight {
            notification,
            kind,
            standing,
            ..
        }) = self.in_flight.take()
        else {
            return;
        };
        match answer {
            Answer::Accepted => {
                if let Some(alert) = standing {
                    self.standing.told(alert);
                }
                self.accepted(&notification, kind);
            }
            Answer::Later { after, detail } => self.later(notification, after, detail),
            Answer::Refused { detail } => {
                self.pace.succeeded();
                self.give_up(notification, "refused", &detail);
            }
        }
    }

    fn accepted(&mut self, notification: &Notification<Arc<Notice>>, kind: &'static str) {
        let now = now_ms();
        if let Some(queue) = &mut self.queue {
            queue.told(now, notification);
        }
        self.uncommitted = true;
        self.undelivered = 0;
        self.pace.succeeded();
        if self.said.take().is_some() {
            tracing::info!(sink = self.sink.name, "the sink takes notifications again");
        }
        let is_first = matches!(notification.kind, Kind::First);
        let delay_ms = now.saturating_sub(notification.alert.time_ms);
        let delay = u64::try_from(delay_ms).ok().map(Duration::from_millis);
        let delay = delay.filter(|_| is_first);
        self.observer.sent(kind, notification.count, delay);
    }

    fn later(
        &mut self,
        notification: Notification<Arc<Notice>>,
        after: Option<Duration>,
        detail: String,
    ) {
        let now = now_ms();
        let after_ms = after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        self.pace.failed(now, after_ms, jitter());
        self.observer.retried();
        if self.said.as_deref() != Some(detail.as_str()) {
            tracing::warn!(
                sink = self.sink.name,
                detail,
                "a sink takes no notification; it is asked again"
            );
            self.said = Some(detail.clone());
        }
        let age_ms = now.saturating_sub(notification.first_ms);
        let max_age_ms = i64::try_from(self.sink.max_age.as_millis()).unwrap_or(i64::MAX);
        if age_ms > max_age_ms {
            self.give_up(notification, "expired", &detail);
        } else if let Some(queue) = &mut self.queue {
            queue.put_back(notification);
        }
    }

    /// Hand every alert of a notification to the dead letters.
    fn give_up(
        &mut self,
        notification: Notification<Arc<Notice>>,
        reason: &'static str,
        detail: &str,
    ) {
        let Some(queue) = &mut self.queue else {
            return;
        };
        let why = Why { reason, detail };
        match self.dead_letters.store(&notification.offsets, why) {
            Ok(stored) => {
                queue.settle(&notification);
                self.uncommitted = true;
                self.undelivered += notification.count;
                self.observer.dead_lettered(reason, notification.count);
                tracing::error!(
                    sink = self.sink.name,
                    reason,
                    detail,
                    alerts = notification.count,
                    stored,
                    "alerts that a sink does not take are among the dead letters"
                );
            }
            Err(error) => {
                tracing::warn!(sink = self.sink.name, %error, "alerts wait for the dead letters");
                self.pace.failed(now_ms(), None, jitter());
                queue.put_back(notification);
            }
        }
    }
}

/// Between 0 and 1, from the clock: enough to keep processes from coming at the same moment.
fn jitter() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.5, |since| {
        f64::from(since.subsec_micros() % 1_000) / 1_000.0
    })
}
