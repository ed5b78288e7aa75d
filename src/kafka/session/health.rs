//! What the loop reports about a session: errors of the reader, troubles and their end, readiness, lag.

use std::time::{Duration, Instant};

use super::clock;
use super::cluster_facts::REQUEST_TIMEOUT;
use super::failure::{BatchFailure, Trouble, client_trouble};
use super::figures::PartitionFigures;
use super::readiness::Surroundings;
use super::turn::Session;
use super::unreadable::unreadable_state;
use crate::event::NextOffset;
use crate::kafka::access::{Access, Permission};
use crate::kafka::fault::{ReadingFault, Side, reading_fault};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Longest try to read a source in trouble: a new connection, with TLS and login, from afar.
const READ_PATIENCE: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// Judge what the reader reports about a partition or about the source as a whole.
    pub(super) fn judge_reader_error(&mut self, error: &KafkaError) -> Result<(), BatchFailure> {
        if let KafkaError::MessageConsumptionFatal(code) = error {
            return Err(BatchFailure::Reopen(format!("source reader: {code}")));
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
                    Some(trouble) => self.report_trouble(trouble),
                    None => tracing::debug!(%error, "source reader"),
                }
                Ok(())
            }
        }
    }

    /// Report what is wrong, once.
    pub(super) fn report_trouble(&mut self, trouble: Trouble) {
        let (reason, remedy) = (trouble.reason, trouble.remedy.clone());
        if self.readiness.trouble(trouble, Instant::now()) {
            let source = &self.config.source_name;
            tracing::warn!(source, reason, "{remedy}");
        }
    }

    /// A cluster works again: its trouble is over, unless it refuses the output of a waiting record in every
    /// form.
    pub(super) fn clear_trouble(&mut self, side: Side) {
        let lasts = side == Side::Destination && self.blame.has_hopeless();
        if !lasts && self.readiness.works(side) {
            self.report_repaired();
            if side == Side::Destination {
                self.blame.forget();
            }
        }
    }

    /// A record has been read.
    pub(super) fn record_read(&mut self) {
        if self.readiness.record_read() {
            self.report_repaired();
        }
    }

    fn report_repaired(&self) {
        tracing::info!(
            source = self.config.source_name,
            "the trouble is over; records are processed again"
        );
    }

    /// While no records arrive nothing shows that a trouble is over: ask the cluster, with no transaction
    /// open.
    pub(super) fn probe(&mut self) -> Result<(), BatchFailure> {
        let Some(side) = self.readiness.to_probe(Instant::now()) else {
            return Ok(());
        };
        match side {
            Side::Source => self.finish()?,
            Side::Destination if self.transaction.is_some() => return Ok(()),
            Side::Destination => {}
        }
        self.readiness.probed(Instant::now());
        let back = match side {
            Side::Source => self.source_is_readable(),
            Side::Destination => {
                self.owner.reachable(REQUEST_TIMEOUT).is_ok() && self.pace.failures() == 0
            }
        };
        if back {
            self.clear_trouble(side);
        }
        Ok(())
    }

    /// Whether every partition of the source can be read. The reader does not tell: librdkafka reports
    /// only once that a topic may not be read (`rktp_last_error`), and describing the topic may be allowed
    /// nevertheless.
    fn source_is_readable(&self) -> bool {
        let Ok(access) = Access::new(&self.config.source, READ_PATIENCE) else {
            return false;
        };
        let count = self.facts.source_partitions;
        access.read(&self.config.source_topic, count) == Permission::Granted
    }

    /// Report how far the partitions are behind, whenever the client has new figures.
    pub(super) fn report_lag(&mut self) -> Result<(), BatchFailure> {
        let figures = self.reader.take_figures();
        if figures.is_empty() {
            return Ok(());
        }
        self.observer.positions(&self.positions.committed());
        let handed_over = self.reader.handed_over();
        for figures in figures {
            // The client's figures of a partition that is not read are old.
            if !self.positions.is_held(figures.partition) {
                let handed_over = handed_over.get(&figures.partition).copied();
                self.report_lag_of(figures, handed_over);
            }
        }
        if self.transaction.is_none() && self.gathering.is_empty() {
            return self.skip_markers();
        }
        Ok(())
    }

    /// Report how far a partition is behind its end.
    pub(super) fn report_lag_of(
        &mut self,
        figures: PartitionFigures,
        handed_over: Option<NextOffset>,
    ) {
        let PartitionFigures {
            partition,
            end,
            idle,
        } = figures;
        let now = clock::now();
        let lag = if self.config.broker.offsets_jump() {
            let idle = idle && !self.readiness.in_trouble();
            self.positions.lag_in_time(partition, idle, now)
        } else {
            end.and_then(|end| self.positions.lag(partition, end, handed_over, now))
        };
        if let Some(lag) = lag {
            self.observer.lag(partition, lag);
        }
    }

    /// Tell the observer whether records flow, whenever the answer changes.
    pub(super) fn report_readiness(&mut self) {
        let held = self.positions.held();
        let surroundings = Surroundings {
            group: &self.config.group,
            unreadable: unreadable_state(self.config, &held),
            pending: self.positions.pending(),
            growth: self.growth.state(),
        };
        if let Some(state) = self.readiness.news(surroundings) {
            self.observer.readiness(state.as_ref());
        }
        if self.readiness.unreadable_news(&held) {
            self.observer.unreadable(&held);
        }
    }
}
