//! Positions copied to a group on the source cluster, where the usual dashboards look for lag.
//! They are never read back. A copy is made every few seconds on a thread of its own; while one waits
//! for its answer there is no other, and a failure harms nothing: it is said once, and counted. What
//! is not allowed is not tried again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::turn::Session;
use crate::event::{NextOffset, Partition};

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
}

impl Session<'_> {
    /// Copy the positions from time to time.
    pub(super) fn mirror_positions(&mut self) {
        let now = Instant::now();
        if now < self.mirror.at {
            return;
        }
        self.mirror.at = now + MIRROR_PAUSE;
        let failures = self.mirror.shared.failures.swap(0, Ordering::Relaxed);
        if failures > 0 {
            self.observer.mirror_failed(failures);
        }
        self.mirror_now();
    }

    /// Copy the positions that have moved; the answer is not waited for.
    pub(super) fn mirror_now(&mut self) {
        // Within one cluster the real positions are there already.
        if self.config.lag_group.is_none() || !self.ground.ownership_is_ours {
            return;
        }
        let committed = self.positions.committed();
        let unmoved = committed.is_empty() || committed == self.mirror.copied;
        let refused = self.mirror.shared.refused.load(Ordering::Relaxed);
        if unmoved || refused || self.mirror.shared.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(&self.mirror.shared);
        let source = self.config.source_name.clone();
        let started = self.reader.commit_later(&committed).map(|commit| {
            thread::Builder::new()
                .name("kafka-mirror".into())
                .spawn(move || shared.done(&source, commit()))
        });
        if matches!(started, Ok(Ok(_))) {
            self.mirror.copied = committed;
        } else {
            self.mirror.shared.busy.store(false, Ordering::Release);
        }
    }
}

impl Shared {
    fn done(&self, source: &str, result: KafkaResult<()>) {
        match result {
            Ok(()) => self.said.store(false, Ordering::Relaxed),
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let code = error.rdkafka_error_code();
                let denied = matches!(
                    code,
                    Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed)
                );
                self.refused.store(denied, Ordering::Relaxed);
                if !self.said.swap(true, Ordering::Relaxed) {
                    tracing::info!(
                        source,
                        %error,
                        "positions cannot be copied to the source cluster, whose dashboards then show \
                         no lag; nothing else depends on it: grant Read on the group, or set \
                         lag_group: none"
                    );
                }
            }
        }
        self.busy.store(false, Ordering::Release);
    }
}
