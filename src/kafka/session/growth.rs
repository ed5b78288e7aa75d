//! A source that grows: its new partitions need a place in the ownership topic and an owner; pure.
//! Invariant: from the moment in which a session sees a new partition until the group has an owner
//! for it, the session is not ready.

use std::time::{Duration, Instant};

use super::observe::NotReady;

/// How often the source's number of partitions is looked at.
const CHECK_PAUSE: Duration = Duration::from_secs(10);

/// The same while new partitions wait for an owner.
const WAITING_CHECK_PAUSE: Duration = Duration::from_secs(1);

/// When the source is looked at, and why some of its partitions are not read yet.
#[derive(Debug)]
pub(super) struct Growth {
    check_at: Instant,
    waiting: Option<NotReady>,
}

impl Growth {
    pub(super) fn new(now: Instant) -> Growth {
        Growth {
            check_at: now + CHECK_PAUSE,
            waiting: None,
        }
    }

    /// Whether to look now. In trouble only what waits already is followed.
    pub(super) fn is_due(&self, now: Instant, in_trouble: bool) -> bool {
        now >= self.check_at && (!in_trouble || self.is_waiting())
    }

    /// The source was looked at.
    pub(super) fn checked(&mut self, now: Instant) {
        let pause = match self.waiting {
            Some(_) => WAITING_CHECK_PAUSE,
            None => CHECK_PAUSE,
        };
        self.check_at = now + pause;
    }

    /// The source has so many partitions now, more than before.
    pub(super) fn found(&mut self, count: u32) {
        self.waiting = Some(waiting_for_owners(count));
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Why some of the source's partitions are not read yet.
    pub(super) fn state(&self) -> Option<&NotReady> {
        self.waiting.as_ref()
    }

    /// The ownership topic could not be grown; whether this was not known before.
    pub(super) fn hindered(&mut self, state: NotReady) -> bool {
        let is_new = self.waiting.as_ref() != Some(&state);
        self.waiting = Some(state);
        is_new
    }

    /// Whether the group has an owner for each of `count` partitions.
    pub(super) fn covered(&mut self, covered: bool, count: u32) {
        self.waiting = (!covered).then(|| waiting_for_owners(count));
    }
}

fn waiting_for_owners(count: u32) -> NotReady {
    NotReady {
        reason: "source_grew",
        remedy: format!(
            "the source has {count} partitions now; waiting for the group to rebalance, so that each \
             of them has an owner"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_partitions_keep_the_session_from_being_ready_until_they_have_owners() {
        let now = Instant::now();
        let mut growth = Growth::new(now);
        assert!(growth.state().is_none());
        growth.found(4);
        let state = growth.state().expect("a state");
        assert_eq!(state.reason, "source_grew");
        assert!(state.remedy.contains("4 partitions"));
        growth.covered(false, 4);
        assert!(growth.is_waiting());
        growth.covered(true, 4);
        assert!(growth.state().is_none());
    }

    #[test]
    fn the_source_is_looked_at_every_ten_seconds_and_every_second_while_partitions_wait() {
        let now = Instant::now();
        let mut growth = Growth::new(now);
        let after = |ms| now + Duration::from_millis(ms);
        assert!(!growth.is_due(after(9_999), false));
        assert!(growth.is_due(after(10_000), false));
        growth.found(2);
        growth.checked(after(10_000));
        assert!(!growth.is_due(after(10_999), false));
        assert!(growth.is_due(after(11_000), false));
        growth.covered(true, 2);
        growth.checked(after(11_000));
        assert!(!growth.is_due(after(20_999), false));
    }

    #[test]
    fn in_trouble_only_partitions_that_wait_are_followed() {
        let now = Instant::now();
        let mut growth = Growth::new(now);
        let later = now + CHECK_PAUSE;
        assert!(!growth.is_due(later, true));
        growth.found(2);
        assert!(growth.is_due(later, true));
    }

    #[test]
    fn what_hinders_the_ownership_topic_is_new_once() {
        let state = |reason| NotReady {
            reason,
            remedy: "grow it".into(),
        };
        let mut growth = Growth::new(Instant::now());
        growth.found(2);
        assert!(growth.hindered(state("ownership_topic")));
        assert!(!growth.hindered(state("ownership_topic")));
        assert!(growth.hindered(state("unreachable")));
    }
}
