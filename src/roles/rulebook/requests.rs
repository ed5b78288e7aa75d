//! Requests to read rules and names again, until they are taken: however many there are, they are one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was asked for since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requested {
    /// Something in a watched directory changed: reload if a content did.
    pub changed: bool,
    /// Somebody asked: reload.
    pub asked: bool,
}

/// Shared by those who ask and the one who reloads.
#[derive(Debug, Default)]
pub struct Requests {
    requested: Mutex<Requested>,
    came: Condvar,
}

impl Requests {
    /// Something in a watched directory changed.
    pub fn changed(&self) {
        self.requested().changed = true;
        self.came.notify_one();
    }

    /// Somebody asks for a reload.
    pub fn asked(&self) {
        self.requested().asked = true;
        self.came.notify_one();
    }

    /// Wait for a request for at most `wait`; what was asked for is taken.
    pub(super) fn take(&self, wait: Duration) -> Option<Requested> {
        let deadline = Instant::now() + wait;
        let mut requested = self.requested();
        while *requested == Requested::default() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.came.wait_timeout(requested, left);
            requested = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut requested))
    }

    fn requested(&self) -> MutexGuard<'_, Requested> {
        // A panic elsewhere cannot leave half a value here.
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_requests_is_one_and_none_of_its_kinds_is_lost() {
        let requests = Requests::default();
        assert_eq!(requests.take(Duration::ZERO), None);
        requests.asked();
        (0..100_000).for_each(|_| requests.changed());
        let all = Requested {
            changed: true,
            asked: true,
        };
        assert_eq!(requests.take(Duration::from_secs(60)), Some(all));
        assert_eq!(requests.take(Duration::ZERO), None);
    }
}
