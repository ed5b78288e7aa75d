//! Requests to read rules and names again. All requests since the last reload are one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was requested since the last reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestedReload {
    /// Something in a watched directory changed: reload if the content of a file is different.
    pub changed: bool,
    /// Reload in any case.
    pub forced: bool,
}

/// Shared by those who request a reload and the loop that reloads.
#[derive(Debug, Default)]
pub struct ReloadRequests {
    requested: Mutex<RequestedReload>,
    arrived: Condvar,
}

impl ReloadRequests {
    /// Something in a watched directory changed.
    pub fn changed(&self) {
        self.requested().changed = true;
        self.arrived.notify_one();
    }

    /// Request a reload in any case.
    pub fn force(&self) {
        self.requested().forced = true;
        self.arrived.notify_one();
    }

    /// Wait for a request for at most `timeout`, and take all requests.
    pub(super) fn wait(&self, timeout: Duration) -> Option<RequestedReload> {
        let deadline = Instant::now() + timeout;
        let mut requested = self.requested();
        while *requested == RequestedReload::default() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.arrived.wait_timeout(requested, left);
            requested = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut requested))
    }

    fn requested(&self) -> MutexGuard<'_, RequestedReload> {
        // The lock may be poisoned by a panic elsewhere; the value is valid all the same.
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_requests_become_one_and_neither_kind_is_lost() {
        let requests = ReloadRequests::default();
        assert_eq!(requests.wait(Duration::ZERO), None);
        requests.force();
        (0..100_000).for_each(|_| requests.changed());
        let all = RequestedReload {
            changed: true,
            forced: true,
        };
        assert_eq!(requests.wait(Duration::from_secs(60)), Some(all));
        assert_eq!(requests.wait(Duration::ZERO), None);
    }
}
