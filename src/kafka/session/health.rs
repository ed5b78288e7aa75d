//! What is said about a session's state: troubles and their end, readiness, lag.
//! Invariant: a trouble is said once when it begins and once when it is over, and a session with a
//! trouble is not ready.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::{Setback, Trouble, client_trouble};
use super::fault::{ReadingFault, Side, TOPIC_UNAUTHORIZED, reading_fault};
use super::observe::NotReady;
use super::open::QUESTION;
use super::turn::Session;
use crate::event::{NextOffset, Partition};
use crate::kafka::access::{Access, Permission};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// How often a cluster in trouble is asked whether it is back, when no record would tell.
const PROBE_PAUSE: Duration = Duration::from_secs(5);

/// Longest try to read a source in trouble: a new connection, with TLS and login, from afar.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// The wall clock, ms since the Unix epoch: for what is compared with the timestamps of records.
pub(super) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

impl Session<'_> {
    /// Judge what the reader reports about a partition or about the source as a whole.
    pub(super) fn judge_reader_error(&mut self, error: &KafkaError) -> Result<(), Setback> {
        if let KafkaError::MessageConsumptionFatal(code) = error {
            return Err(Setback::Reopen(format!("source reader: {code}")));
        }
        let Some(code) = error.rdkafka_error_code() else {
            return Ok(());
        };
        // The reader has a group's name only because librdkafka asks for one.
        if code == Code::GroupAuthorizationFailed {
            return Ok(());
        }
        match reading_fault(code) {
            ReadingFault::Position => self.resettle(),
            ReadingFault::Unreadable => self.find_unreadable(code),
            ReadingFault::Of(_) => {
                let context = format!("read {}", self.config.source_topic);
                match client_trouble(Side::Source, code, &context) {
                    Some(trouble) => self.note_trouble(trouble),
                    None => tracing::debug!(%error, "source reader"),
                }
                Ok(())
            }
        }
    }

    /// Say what is wrong, once.
    pub(super) fn note_trouble(&mut self, trouble: Trouble) {
        if self.trouble.as_ref().map(|known| known.reason) != Some(trouble.reason) {
            tracing::warn!(
                source = self.config.source_name,
                reason = trouble.reason,
                "{}",
                trouble.remedy
            );
        }
        self.trouble = Some(trouble);
        self.probe_at = Instant::now() + PROBE_PAUSE;
    }

    pub(super) fn trouble_is_at(&self, side: Side) -> bool {
        self.trouble
            .as_ref()
            .is_some_and(|trouble| trouble.side == side)
    }

    pub(super) fn clear_trouble(&mut self, side: Side) {
        let lasts = side == Side::Destination && self.blame.has_hopeless();
        if self.trouble_is_at(side) && !lasts {
            tracing::info!(source = self.config.source_name, "trouble is over");
            self.trouble = None;
            if side == Side::Destination {
                self.blame.forget();
            }
        }
    }

    /// A record has come in: what would have kept it away is over. A missing right is not: librdkafka
    /// complains of it once for a partition, and others may still be read.
    pub(super) fn note_flow(&mut self) {
        let lasts = |trouble: &Trouble| trouble.reason == TOPIC_UNAUTHORIZED;
        if !self.trouble.as_ref().is_some_and(lasts) {
            self.clear_trouble(Side::Source);
        }
    }

    /// Where nothing flows nothing shows that the trouble is over: ask, with no transaction open.
    pub(super) fn probe(&mut self) -> Result<(), Setback> {
        let Some(trouble) = &self.trouble else {
            return Ok(());
        };
        let side = trouble.side;
        if Instant::now() < self.probe_at {
            return Ok(());
        }
        match side {
            Side::Source => self.finish()?,
            Side::Destination if self.flight.is_some() => return Ok(()),
            Side::Destination => {}
        }
        self.probe_at = Instant::now() + PROBE_PAUSE;
        let back = match side {
            Side::Source => self.source_is_readable(),
            Side::Destination => self.owner.reachable(QUESTION).is_ok() && self.setbacks == 0,
        };
        if back {
            self.clear_trouble(side);
        }
        Ok(())
    }

    /// Whether every partition of the source can be read. The reader itself would not say: of a topic
    /// that may not be read librdkafka complains once (`rktp_last_error`), and describing it may be
    /// allowed all the same.
    fn source_is_readable(&self) -> bool {
        let Ok(access) = Access::new(&self.config.source, READ_PATIENCE) else {
            return false;
        };
        let count = self.ground.source_partitions;
        access.read(&self.config.source_topic, count) == Permission::Granted
    }

    /// Report how far the partitions are behind, whenever the client has new figures.
    pub(super) fn report_lag(&mut self) -> Result<(), Setback> {
        let ends = self.reader.take_ends();
        if ends.is_empty() {
            return Ok(());
        }
        self.observer.positions(&self.positions.committed());
        let handed_over = self.reader.handed_over();
        for (partition, end) in ends {
            // Of a partition that is not read the client knows old figures only.
            if !self.positions.is_held(partition) {
                self.tell_lag(partition, end, handed_over.get(&partition).copied());
            }
        }
        if self.flight.is_none() && self.waiting.is_empty() {
            return self.skip_markers();
        }
        Ok(())
    }

    /// Report how far a partition is behind its end.
    pub(super) fn tell_lag(
        &mut self,
        partition: Partition,
        end: NextOffset,
        handed_over: Option<NextOffset>,
    ) {
        let now = (wall_ms(), Instant::now());
        if let Some(lag) = self.positions.lag(partition, end, handed_over, now) {
            self.observer.lag(partition, lag);
        }
    }

    /// Tell the observer whether records flow, whenever the answer changes.
    pub(super) fn say_readiness(&mut self) {
        let pending = self.positions.pending();
        let held = self.positions.held();
        let state = if let Some(trouble) = &self.trouble {
            Some(NotReady {
                reason: trouble.reason,
                remedy: trouble.remedy.clone(),
            })
        } else if !self.joined {
            Some(NotReady {
                reason: "joining",
                remedy: format!("joining the group {}", self.config.group),
            })
        } else if let Some(state) = self.unreadable_state(&held) {
            Some(state)
        } else if !pending.is_empty() {
            Some(NotReady {
                reason: "positions",
                remedy: waiting_for(&pending),
            })
        } else {
            self.growing.clone()
        };
        if self.said.as_ref() != Some(&state) {
            self.observer.readiness(state.as_ref());
            self.said = Some(state);
        }
        if held != self.said_unreadable {
            self.observer.unreadable(&held);
            self.said_unreadable = held;
        }
    }
}

/// What is waited for, for a person.
fn waiting_for(pending: &[Partition]) -> String {
    let numbers: Vec<String> = pending.iter().map(|of| of.0.to_string()).collect();
    format!(
        "waiting until the group says the positions of these partitions: {}",
        numbers.join(", ")
    )
}
