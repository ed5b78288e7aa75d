//! Alerts of one sink that are to become dead letters. A separate thread writes them, one cause at a
//! time. While the dead-letter topic accepts nothing they wait here, as offsets.
//! Invariant: no alert is forgotten before its dead letter is written; the queue does not let the position
//! pass it until then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use super::dead_letter_writer::{DeadLetterCause, DeadLetterWriter, StoreError};
use crate::kafka::session::NotReady;
use crate::notice::NoticeError;
use crate::notify::offsets::Offsets;
use crate::notify::queue::GivenUp;

/// Most causes kept apart; the details of further ones are replaced by [`OTHER_DETAIL`].
const MAX_DETAILS: usize = 100;

/// Longest detail, in bytes.
const MAX_DETAIL_BYTES: usize = 500;

/// Detail of the causes beyond [`MAX_DETAILS`].
const OTHER_DETAIL: &str = "one of many different faults";

/// Pauses after a failure, ms.
const FIRST_PAUSE: i64 = 1_000;
const LONGEST_PAUSE: i64 = 30_000;

/// Dead letters that were written.
#[derive(Debug)]
pub(super) struct WrittenDeadLetters {
    pub(super) cause: DeadLetterCause,
    pub(super) offsets: Offsets,
    /// How many of the alerts still existed in the alerts topic.
    pub(super) found: u64,
}

/// Dead letters that the other thread is writing.
struct Writing {
    cause: DeadLetterCause,
    offsets: Offsets,
    result: Receiver<Result<u64, StoreError>>,
}

/// The alerts of one sink that are to become dead letters.
pub(super) struct PendingDeadLetters {
    writer: Arc<DeadLetterWriter>,
    waiting: BTreeMap<DeadLetterCause, Offsets>,
    writing: Option<Writing>,
    failures: u32,
    not_before: i64,
    /// Why the last attempt to write failed.
    failing: Option<String>,
}

impl PendingDeadLetters {
    pub(super) fn new(writer: DeadLetterWriter) -> PendingDeadLetters {
        PendingDeadLetters {
            writer: Arc::new(writer),
            waiting: BTreeMap::new(),
            writing: None,
            failures: 0,
            not_before: i64::MIN,
            failing: None,
        }
    }

    /// An alert that cannot be read. The sink gets a notification of it as well.
    pub(super) fn add_unreadable(&mut self, offset: i64, error: &NoticeError) {
        let offsets = [offset].into_iter().collect();
        self.add(error.reason(), &error.to_string(), false, &offsets);
    }

    /// Alerts that will not be sent to the sink.
    pub(super) fn add_given_up(&mut self, given_up: &GivenUp, detail: &str) {
        self.add(given_up.reason, detail, true, &given_up.offsets);
    }

    fn add(&mut self, reason: &'static str, detail: &str, settles: bool, offsets: &Offsets) {
        if offsets.is_empty() {
            return;
        }
        let mut end = detail.len().min(MAX_DETAIL_BYTES);
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        let mut cause = DeadLetterCause {
            reason,
            detail: detail[..end].to_owned(),
            settles,
        };
        if self.waiting.len() >= MAX_DETAILS && !self.waiting.contains_key(&cause) {
            cause.detail = OTHER_DETAIL.to_owned();
        }
        self.waiting.entry(cause).or_default().extend(offsets);
    }

    /// The dead letters that were written since the last call.
    pub(super) fn finished(&mut self, now: i64) -> Option<WrittenDeadLetters> {
        let writing = self.writing.as_ref()?;
        let result = match writing.result.try_recv() {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("the writing thread panicked".to_owned()),
        };
        self.finish(result, now)
    }

    /// Start to write the next dead letters, unless some are being written or a pause is not over.
    pub(super) fn start(&mut self, now: i64) {
        if self.writing.is_some() || now < self.not_before {
            return;
        }
        let Some((cause, offsets)) = self.waiting.pop_first() else {
            return;
        };
        let (sender, result) = mpsc::sync_channel(1);
        let writer = Arc::clone(&self.writer);
        let job = (cause.clone(), offsets.clone());
        let spawned = thread::Builder::new()
            .name("dead-letters".into())
            .spawn(move || {
                let (cause, offsets) = job;
                // It fails if the partition was revoked meanwhile: then the result is not needed.
                let _ = sender.send(writer.store(&offsets, &cause));
            });
        self.writing = Some(Writing {
            cause,
            offsets,
            result,
        });
        if let Err(error) = spawned {
            self.finish(Err(error.to_string()), now);
        }
    }

    fn finish(&mut self, result: Result<u64, String>, now: i64) -> Option<WrittenDeadLetters> {
        let Writing { cause, offsets, .. } = self.writing.take()?;
        match result {
            Ok(found) => {
                self.failures = 0;
                self.failing = None;
                Some(WrittenDeadLetters {
                    cause,
                    offsets,
                    found,
                })
            }
            Err(error) => {
                self.waiting.entry(cause).or_default().extend(&offsets);
                let pause = (FIRST_PAUSE << self.failures.min(10)).min(LONGEST_PAUSE);
                self.failures = self.failures.saturating_add(1);
                self.not_before = now + pause;
                self.failing = Some(error);
                None
            }
        }
    }

    /// How many alerts wait for their dead letters to be written.
    pub(super) fn waiting(&self) -> u64 {
        let writing = self.writing.as_ref().map(|writing| &writing.offsets);
        self.waiting.values().chain(writing).map(Offsets::len).sum()
    }

    /// What is wrong, if the last attempt to write failed.
    pub(super) fn trouble(&self) -> Option<NotReady> {
        let error = self.failing.as_ref()?;
        Some(NotReady {
            reason: "dead_letters",
            remedy: format!(
                "notifications are sent, but {} alerts cannot be written to the dead-letter topic: \
                 {error}; repair the topic, or grant Write on it",
                self.waiting()
            ),
        })
    }

    /// Whether dead letters are being written and the attempt before did not fail.
    pub(super) fn can_finish(&self) -> bool {
        self.writing.is_some() && self.failing.is_none()
    }

    /// The alerts topic was truncated at offset `from` or, unless older records were `kept`, re-created.
    /// Returns how many dead letters can no longer be written.
    pub(super) fn topic_changed(&mut self, from: i64, kept: bool) -> u64 {
        let before = self.waiting();
        if !kept {
            self.clear();
        }
        for offsets in self.waiting.values_mut() {
            offsets.remove_from(from);
        }
        self.waiting.retain(|_, offsets| !offsets.is_empty());
        before - self.waiting()
    }

    /// Forget everything: the next owner of the partition reads the same alerts again.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.writing = None;
    }
}
