//! The one loop: serve the group, settle positions, read, process, write, commit.
//! A transaction is filled step by step; while a full one is being delivered the next step is
//! processed. Nothing is open while idle.

use std::time::{Duration, Instant};

use super::blame::Blame;
use super::cluster_facts::ClusterFacts;
use super::config::SessionConfig;
use super::error::SessionError;
use super::failure::{BatchFailure, client_trouble};
use super::gathering::Gathering;
use super::growth::Growth;
use super::mirror::Mirror;
use super::notes::Notes;
use super::observe::{SessionObserver, Shutdown};
use super::owner::Owner;
use super::pace::Pace;
use super::positions::Positions;
use super::readiness::Readiness;
use super::settle_schedule::SettleSchedule;
use super::source_reader::{Fetched, SourceReader};
use super::transaction::OpenTransaction;
use super::worker::{Outputs, Worker};
use super::writer::Writer;
use crate::event::Partition;
use crate::kafka::fault::Side;
use crate::kafka::rebalance::Rebalance;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Longest wait for a record while idle, and so for noticing a rebalance.
pub(super) const IDLE: Duration = Duration::from_millis(50);

/// How a session ended.
pub(super) enum Ended {
    Requested,
    Stopped(SessionError),
    Reopen,
}

/// What a session is asked to do.
pub(super) struct Task<'s> {
    pub(super) config: &'s SessionConfig,
    pub(super) worker: &'s mut dyn Worker,
    pub(super) shutdown: &'s Shutdown,
    pub(super) observer: &'s dyn SessionObserver,
    /// Most bytes of outputs in one batch for the brokers.
    pub(super) output_batch_bytes: usize,
}

/// The three clients of a session.
pub(super) struct Clients<'s> {
    pub(super) reader: &'s SourceReader,
    pub(super) owner: Owner,
    pub(super) writer: Writer,
}

/// A session that has joined its group.
pub(super) struct Session<'s> {
    pub(super) config: &'s SessionConfig,
    pub(super) worker: &'s mut dyn Worker,
    pub(super) shutdown: &'s Shutdown,
    pub(super) observer: &'s dyn SessionObserver,
    pub(super) reader: &'s SourceReader,
    pub(super) owner: Owner,
    pub(super) writer: Writer,
    /// Whether the writer has fenced its predecessor.
    pub(super) writer_ready: bool,
    pub(super) facts: ClusterFacts,
    pub(super) positions: Positions,
    pub(super) settling: SettleSchedule,
    pub(super) growth: Growth,
    pub(super) readiness: Readiness,
    pub(super) notes: Notes,
    pub(super) mirror: Mirror,
    /// Read, not yet processed.
    pub(super) gathering: Gathering<Fetched<'s>>,
    /// Empty: the memory of the batch before.
    pub(super) spare: Outputs,
    pub(super) transaction: Option<OpenTransaction>,
    pub(super) blame: Blame,
    pub(super) pace: Pace,
    /// When it is tried again to read what cannot be read.
    pub(super) recheck_at: Instant,
    /// Most bytes of outputs in one batch for the brokers.
    pub(super) output_batch_bytes: usize,
    /// The worker is asked about its limits once more before the next attempt.
    pub(super) ask_limits: bool,
}

impl<'s> Session<'s> {
    pub(super) fn new(task: Task<'s>, clients: Clients<'s>, facts: ClusterFacts) -> Session<'s> {
        let Task {
            config,
            worker,
            shutdown,
            observer,
            output_batch_bytes,
        } = task;
        let Clients {
            reader,
            owner,
            writer,
        } = clients;
        let now = Instant::now();
        Session {
            config,
            worker,
            shutdown,
            observer,
            reader,
            owner,
            writer,
            writer_ready: false,
            facts,
            positions: Positions::default(),
            settling: SettleSchedule::new(now),
            growth: Growth::new(now),
            readiness: Readiness::new(now),
            notes: Notes::new(config),
            mirror: Mirror::new(now),
            gathering: Gathering::new(),
            spare: Outputs::default(),
            transaction: None,
            blame: Blame::default(),
            pace: Pace::new(config.commit_records, now),
            recheck_at: now,
            output_batch_bytes,
            ask_limits: false,
        }
    }

    /// Run until asked to stop; the clients are returned to be closed, with the size of batches that
    /// the topics take now.
    pub(super) fn run(mut self) -> (Ended, Owner, Writer, usize) {
        let ended = loop {
            if self.shutdown.is_requested() {
                break Ended::Requested;
            }
            let turned = self.turn();
            self.report_readiness();
            if let Err(failure) = turned {
                match self.recover(failure) {
                    None => {}
                    Some(ended) => break ended,
                }
            }
        };
        self.leave();
        (ended, self.owner, self.writer, self.output_batch_bytes)
    }

    fn turn(&mut self) -> Result<(), BatchFailure> {
        self.observer.turned();
        self.serve_owner(Duration::ZERO)?;
        self.serve_rebalances()?;
        if Instant::now() < self.pace.rest_until() {
            return self.serve_owner(IDLE);
        }
        if !self.init_writer()? {
            return Ok(());
        }
        self.ask_limits_again();
        self.settle()?;
        self.report_unreadable()?;
        self.recheck_unreadable()?;
        self.watch_growth()?;
        self.report_lag()?;
        self.mirror_positions();
        self.probe()?;
        self.advance()
    }

    /// Fill the transaction under way, or commit it and begin the next one.
    fn advance(&mut self) -> Result<(), BatchFailure> {
        let full = self.transaction_is_full();
        // Suspected records are processed one by one: waiting for more before each would take minutes.
        self.gather(!full && !self.blame.has_suspects())?;
        // While a full transaction is being delivered, the next records are processed.
        let processed = self.process(full)?;
        if full || processed.contents.places.is_empty() {
            self.finish()?;
        }
        self.dispatch(processed)
    }

    /// Serve the group: rebalances are recorded, errors are judged.
    pub(super) fn serve_owner(&mut self, wait: Duration) -> Result<(), BatchFailure> {
        match self.owner.poll(wait) {
            None => Ok(()),
            Some(KafkaError::MessageConsumptionFatal(code)) => {
                Err(BatchFailure::Reopen(format!("ownership group: {code}")))
            }
            Some(error) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                let context = format!("the group {}", self.config.group);
                match client_trouble(Side::Destination, code, &context) {
                    Some(trouble) => self.report_trouble(trouble),
                    None => tracing::debug!(%error, "ownership group"),
                }
                Ok(())
            }
        }
    }

    fn serve_rebalances(&mut self) -> Result<(), BatchFailure> {
        while let Some(rebalance) = self.owner.next_rebalance() {
            match rebalance {
                Rebalance::Assign(partitions) => {
                    self.owner.answer_assign(&partitions).map_err(reopen)?;
                    self.readiness.assigned();
                    self.positions.own(&partitions);
                    self.settling.set(Instant::now());
                    tracing::info!(?partitions, "partitions assigned");
                    self.worker.on_assign(&partitions);
                }
                Rebalance::Revoke { partitions, lost } => {
                    tracing::info!(?partitions, lost, "partitions revoked");
                    self.readiness.revoked(lost);
                    let finished = self.settle_transaction_before_revoke(lost);
                    self.drop_partitions(&partitions)?;
                    self.owner.answer_revoke(&partitions).map_err(reopen)?;
                    finished?;
                }
            }
            self.observer.assigned(&self.positions.owned());
        }
        Ok(())
    }

    /// Commit what is under way while the partitions are still ours; abort it if they are not.
    fn settle_transaction_before_revoke(&mut self, lost: bool) -> Result<(), BatchFailure> {
        if self.transaction.is_none() {
            return Ok(());
        }
        if lost {
            return Err(BatchFailure::Abort {
                reason: "assignment_lost",
                detail: "the group took the partitions away".into(),
            });
        }
        self.finish()
    }

    /// Copy the positions to the source cluster from time to time.
    fn mirror_positions(&mut self) {
        if !self.mirror.is_due(Instant::now()) {
            return;
        }
        let failures = self.mirror.take_failures();
        if failures > 0 {
            self.observer.mirror_failed(failures);
        }
        self.mirror_now();
    }

    /// Copy the positions that have moved; the answer is not waited for.
    pub(super) fn mirror_now(&mut self) {
        // Within one cluster the real positions are there already.
        if self.config.lag_group.is_none() || !self.facts.ownership_is_ours {
            return;
        }
        let (config, reader) = (self.config, self.reader);
        let of = (&*config.source_name, config.broker.lag_group_remedy());
        let committed = self.positions.committed();
        self.mirror
            .copy(of, committed, |committed| reader.commit_later(committed));
    }

    fn drop_partitions(&mut self, partitions: &[Partition]) -> Result<(), BatchFailure> {
        self.reader.stop(partitions).map_err(reopen)?;
        self.positions.disown(partitions);
        self.blame.disown(partitions);
        self.pace.forgive();
        let positions = &self.positions;
        self.gathering.retain(|partition| positions.owns(partition));
        self.worker.on_revoke(partitions);
        Ok(())
    }
}

/// All clients are opened again after an error that a client does not recover from.
pub(super) fn reopen(error: KafkaError) -> BatchFailure {
    BatchFailure::Reopen(error.to_string())
}
