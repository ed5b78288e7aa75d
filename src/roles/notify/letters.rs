//! Alerts that are to become dead letters, beside the telling: they are written by a thread of their own,
//! one batch at a time, and while their topic takes nothing they wait here, as offsets.
//! Invariant: nothing is forgotten before it is stored; the queue holds the position until then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use super::dead_letters::{Cause, DeadLetters, NotKept};
use crate::kafka::session::NotReady;
use crate::notice::NoticeError;
use crate::notify::offsets::Offsets;
use crate::notify::queue::GivenUp;

/// Most different details kept; those of further alerts are summed up.
const MAX_DETAILS: usize = 100;

/// Longest detail, in bytes.
const MAX_DETAIL_BYTES: usize = 500;

/// Stands for the details that are too many.
const MANY: &str = "one of many different faults";

/// Pauses after a failure, ms.
const FIRST_PAUSE: i64 = 1_000;
const LONGEST_PAUSE: i64 = 30_000;

/// Dead letters that are stored now.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) cause: Cause,
    pub(super) offsets: Offsets,
    /// How many of them were still there to be read.
    pub(super) found: u64,
}

impl Stored {
    /// Whether nothing else is to be done about the alerts.
    pub(super) fn settles(&self) -> bool {
        self.cause.settles
    }
}

struct Writing {
    cause: Cause,
    offsets: Offsets,
    result: Receiver<Result<u64, NotKept>>,
}

/// The letters of one sink.
pub(super) struct Letters {
    topic: Arc<DeadLetters>,
    waiting: BTreeMap<Cause, Offsets>,
    writing: Option<Writing>,
    failures: u32,
    not_before: i64,
    /// Why the topic does not take them.
    failing: Option<String>,
}

impl Letters {
    pub(super) fn new(topic: DeadLetters) -> Letters {
        Letters {
            topic: Arc::new(topic),
            waiting: BTreeMap::new(),
            writing: None,
            failures: 0,
            not_before: i64::MIN,
            failing: None,
        }
    }

    /// An alert that cannot be read; it is told as well.
    pub(super) fn owe_unreadable(&mut self, offset: i64, error: &NoticeError) {
        let offsets = [offset].into_iter().collect();
        self.owe(error.reason(), &error.to_string(), false, &offsets);
    }

    /// Alerts that the sink is not told of.
    pub(super) fn owe_given_up(&mut self, given_up: &GivenUp, detail: &str) {
        self.owe(given_up.reason, detail, true, &given_up.offsets);
    }

    fn owe(&mut self, reason: &'static str, detail: &str, settles: bool, offsets: &Offsets) {
        if offsets.is_empty() {
            return;
        }
        let mut end = detail.len().min(MAX_DETAIL_BYTES);
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        let mut cause = Cause {
            reason,
            detail: detail[..end].to_owned(),
            settles,
        };
        if self.waiting.len() >= MAX_DETAILS && !self.waiting.contains_key(&cause) {
            cause.detail = MANY.to_owned();
        }
        self.waiting.entry(cause).or_default().extend(offsets);
    }

    /// What is stored by now.
    pub(super) fn finished(&mut self, now: i64) -> Option<Stored> {
        let writing = self.writing.as_ref()?;
        let result = match writing.result.try_recv() {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("the writer broke off".to_owned()),
        };
        self.finish(result, now)
    }

    /// Go on writing.
    pub(super) fn start(&mut self, now: i64) {
        if self.writing.is_some() || now < self.not_before {
            return;
        }
        let Some((cause, offsets)) = self.waiting.pop_first() else {
            return;
        };
        let (sender, result) = mpsc::sync_channel(1);
        let topic = Arc::clone(&self.topic);
        let job = (cause.clone(), offsets.clone());
        let spawned = thread::Builder::new()
            .name("dead-letters".into())
            .spawn(move || {
                let (cause, offsets) = job;
                // Nobody listens any more where the partition was lost meanwhile.
                let _ = sender.send(topic.store(&offsets, &cause));
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

    fn finish(&mut self, result: Result<u64, String>, now: i64) -> Option<Stored> {
        let Writing { cause, offsets, .. } = self.writing.take()?;
        match result {
            Ok(found) => {
                self.failures = 0;
                self.failing = None;
                Some(Stored {
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

    /// How many alerts wait to be stored.
    pub(super) fn waiting(&self) -> u64 {
        let writing = self.writing.as_ref().map(|writing| &writing.offsets);
        self.waiting.values().chain(writing).map(Offsets::len).sum()
    }

    /// What is wrong with their topic, if it takes nothing.
    pub(super) fn trouble(&self) -> Option<NotReady> {
        let error = self.failing.as_ref()?;
        Some(NotReady {
            reason: "dead_letters",
            remedy: format!(
                "alerts are told, but {} of them cannot be kept among the dead letters: {error}; \
                 repair the topic, or grant Write on it",
                self.waiting()
            ),
        })
    }

    /// Whether a batch is being written, as far as is known to a topic that takes it.
    pub(super) fn are_being_stored(&self) -> bool {
        self.writing.is_some() && self.failing.is_none()
    }

    /// The topic has lost the records from this offset on, or all that it had. Returns how many dead
    /// letters can no longer be written.
    pub(super) fn cut(&mut self, from: i64, kept: bool) -> u64 {
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

    /// Forget everything: whoever reads on from the commit finds it again.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.writing = None;
    }
}
