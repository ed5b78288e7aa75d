//! What a sink's answer does: told, asked again, or given up to the dead letters.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{InFlight, Loop, Ours};
use crate::notice::Notice;
use crate::notify::Answer;
use crate::notify::queue::{GivenUp, Notification, NotificationKind};
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
            Answer::Later { after, detail } => self.later(notification, after, &detail),
            Answer::Refused { detail } => self.refused(notification, &detail),
        }
    }

    fn accepted(&mut self, notification: &Notification<Arc<Notice>>, kind: &'static str) {
        if let Some(Ours { queue, .. }) = &mut self.ours {
            queue.told(self.clock.now(), notification);
        }
        self.uncommitted = true;
        self.undelivered = 0;
        self.pace.succeeded();
        if self.said.take().is_some() {
            tracing::info!(sink = self.sink.name, "the sink takes notifications again");
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
        self.say(detail, "a sink takes no notification; it is asked again");
        let Some(Ours { queue, .. }) = &mut self.ours else {
            return;
        };
        let given_up = queue.failed(now, notification);
        self.give_up(given_up, detail);
    }

    /// It is tried again: whether the sink or the alert is at fault shows when something else is sent.
    fn refused(&mut self, notification: Notification<Arc<Notice>>, detail: &str) {
        let now = self.clock.now();
        let Some(Ours { queue, .. }) = &mut self.ours else {
            return;
        };
        let given_up = queue.refused(now, notification);
        if queue.refuses_all() {
            self.pace.refused(now, jitter());
            self.say(
                detail,
                "a sink refuses whatever it is sent, so nothing is given up; it is asked again",
            );
        } else if given_up.is_none() {
            self.say(
                detail,
                "a sink refuses a notification; it is tried again until others pass",
            );
        }
        if given_up.is_none() {
            self.observer.retried();
        }
        self.give_up(given_up, detail);
    }

    /// Say what is wrong with the sink, once.
    fn say(&mut self, detail: &str, what: &'static str) {
        let said = format!("{what}: {detail}");
        if self.said.as_ref() != Some(&said) {
            tracing::warn!(sink = self.sink.name, detail, "{what}");
            self.said = Some(said);
        }
    }

    /// Hand alerts to the dead letters, which write them beside the telling.
    fn give_up(&mut self, given_up: Option<GivenUp>, detail: &str) {
        let Some(given_up) = given_up else {
            return;
        };
        self.uncommitted = true;
        self.undelivered += given_up.count;
        self.letters.owe_given_up(&given_up, detail);
        tracing::error!(
            sink = self.sink.name,
            reason = given_up.reason,
            detail,
            alerts = given_up.count,
            "alerts that a sink does not take go to the dead letters"
        );
    }
}

/// Between 0 and 1, from the clock: enough to keep processes from coming at the same moment.
fn jitter() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.5, |since| {
        f64::from(since.subsec_micros() % 1_000) / 1_000.0
    })
}
