//! Positions copied to a group on the source cluster, where the usual dashboards look for lag.
//! They are never read back. A copy is made every few seconds on a thread of its own; while one waits
//! for its answer no other is made. A failure harms nothing: it is logged once, and counted. A copy that
//! an authorizer refuses is not tried again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaResult;

use crate::event::{NextOffset, Partition};
use crate::kafka::fault::is_denied;

/// Pause between two copies.
const MIRROR_PAUSE: Duration = Duration::from_secs(5);

/// What a thread that copies shares with its session.
#[derive(Debug, Default)]
struct Shared {
    busy: AtomicBool,
    said: AtomicBool,
    /// The cluster does not allow it: asking again would only fill its own audit log.
    refused: AtomicBool,
    failures: AtomicU64,
}

/// When to copy, and what was copied.
#[derive(Debug)]
pub(super) struct Mirror {
    at: Instant,
    copied: BTreeMap<Partition, NextOffset>,
    shared: Arc<Shared>,
}

impl Mirror {
    pub(super) fn new(now: Instant) -> Mirror {
        Mirror {
            at: now + MIRROR_PAUSE,
            copied: BTreeMap::new(),
            shared: Arc::default(),
        }
    }

    /// Whether to copy now; the next copy is due later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.at;
        if due {
            self.at = now + MIRROR_PAUSE;
        }
        due
    }

    /// How many copies have failed since the last call.
    pub(super) fn take_failures(&self) -> u64 {
        self.shared.failures.swap(0, Ordering::Relaxed)
    }

    /// Copy the positions if they have moved; the answer is not waited for. `begin` prepares the request
    /// that the thread then makes. `remedy` is what a person can do if the copy is refused.
    pub(super) fn copy<C>(
        &mut self,
        (source, remedy): (&str, &'static str),
        committed: BTreeMap<Partition, NextOffset>,
        begin: impl FnOnce(&BTreeMap<Partition, NextOffset>) -> KafkaResult<C>,
    ) where
        C: FnOnce() -> KafkaResult<()> + Send + 'static,
    {
        let unmoved = committed.is_empty() || committed == self.copied;
        let refused = self.shared.refused.load(Ordering::Relaxed);
        if unmoved || refused || self.shared.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let source = source.to_owned();
        let started = begin(&committed).map(|commit| {
            thread::Builder::new()
                .name("kafka-mirror".into())
                .spawn(move || shared.done(&source, remedy, commit()))
        });
        if matches!(started, Ok(Ok(_))) {
            self.copied = committed;
        } else {
            self.shared.busy.store(false, Ordering::Release);
        }
    }
}

impl Shared {
    fn done(&self, source: &str, remedy: &str, result: KafkaResult<()>) {
        match result {
            Ok(()) => self.said.store(false, Ordering::Relaxed),
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let code = error.rdkafka_error_code();
                self.refused
                    .store(code.is_some_and(is_denied), Ordering::Relaxed);
                if !self.said.swap(true, Ordering::Relaxed) {
                    tracing::info!(
                        source,
                        %error,
                        "positions cannot be copied to the source cluster, whose dashboards then show \
                         no lag; nothing else depends on it: {remedy}"
                    );
                }
            }
        }
        self.busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rdkafka::error::KafkaError;
    use rdkafka::types::RDKafkaErrorCode as Code;

    use super::*;

    fn at(next: i64) -> BTreeMap<Partition, NextOffset> {
        BTreeMap::from([(Partition(0), NextOffset(next))])
    }

    /// Copy and wait for the thread; whether a copy was begun.
    fn copy(mirror: &mut Mirror, next: i64, answer: KafkaResult<()>) -> bool {
        let mut begun = false;
        mirror.copy(("source", "repair"), at(next), |_| {
            begun = true;
            Ok(move || answer)
        });
        while mirror.shared.busy.load(Ordering::Acquire) {
            thread::yield_now();
        }
        begun
    }

    #[test]
    fn positions_are_copied_when_they_have_moved_and_not_before_the_last_copy_is_answered() {
        let mut mirror = Mirror::new(Instant::now());
        let (answer, answered) = mpsc::channel::<()>();
        mirror.copy(("source", "repair"), at(5), |_| {
            Ok(move || {
                let _ = answered.recv();
                Ok(())
            })
        });
        mirror.copy(
            ("source", "repair"),
            at(6),
            |_| -> KafkaResult<fn() -> KafkaResult<()>> {
                panic!("the copy before is not answered")
            },
        );
        drop(answer);
        while mirror.shared.busy.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert!(copy(&mut mirror, 6, Ok(())));
        assert!(!copy(&mut mirror, 6, Ok(())), "nothing has moved");
        assert!(copy(&mut mirror, 7, Ok(())));
    }

    #[test]
    fn a_failed_copy_is_counted_and_tried_again_and_one_that_is_not_allowed_is_not() {
        let mut mirror = Mirror::new(Instant::now());
        let failed = |code| Err(KafkaError::ConsumerCommit(code));
        assert!(copy(&mut mirror, 5, failed(Code::RequestTimedOut)));
        assert!(copy(&mut mirror, 6, failed(Code::GroupAuthorizationFailed)));
        assert!(!copy(&mut mirror, 7, Ok(())));
        assert_eq!((mirror.take_failures(), mirror.take_failures()), (2, 0));
    }

    #[test]
    fn a_copy_is_due_every_five_seconds() {
        let now = Instant::now();
        let mut mirror = Mirror::new(now);
        let due: Vec<bool> = [4, 5, 9, 10]
            .map(|s| mirror.is_due(now + Duration::from_secs(s)))
            .to_vec();
        assert_eq!(due, [false, true, false, true]);
    }
}
