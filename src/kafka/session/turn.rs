//! The one loop: serve the group, settle positions, read, process, write, commit.
//! A transaction is filled step by step; while a full one is being delivered the next step is
//! processed. Nothing is open while idle.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::blame::Blame;
use super::config::SessionConfig;
use super::error::{SessionError, Setback, Trouble, client_trouble};
use super::fault::Side;
use super::flight::{Cargo, Flight, Prepared};
use super::health::wall_ms;
use super::mirror::Mirror;
use super::notes::Notes;
use super::observe::{NotReady, SessionObserver, Shutdown, Unreadable};
use super::open::Ground;
use super::owner::{Owner, Rebalance};
use super::positions::{Arrival, Positions};
use super::reader::{Fetched, Reader};
use super::worker::{Outputs, SourceRecord, Worker};
use super::writer::Writer;
use crate::event::Partition;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Longest wait for a record while idle, and so for noticing a rebalance.
const IDLE: Duration = Duration::from_millis(50);

/// Most records, and bytes of them, that are processed at a time: what is in memory twice. The rest
/// of a transaction is with the client already, or not yet read.
const STEP_RECORDS: usize = 250;
const STEP_BYTES: usize = 1024 * 1024;

/// How a session ended.
pub(super) enum Ended {
    Asked,
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
    pub(super) reader: &'s Reader,
    pub(super) owner: Owner,
    pub(super) writer: Writer,
}

/// A session that has joined its group.
pub(super) struct Session<'s> {
    pub(super) config: &'s SessionConfig,
    pub(super) worker: &'s mut dyn Worker,
    pub(super) shutdown: &'s Shutdown,
    pub(super) observer: &'s dyn SessionObserver,
    pub(super) reader: &'s Reader,
    pub(super) owner: Owner,
    pub(super) writer: Writer,
    /// Whether the writer has fenced its predecessor.
    pub(super) writer_ready: bool,
    pub(super) ground: Ground,
    pub(super) joined: bool,
    pub(super) positions: Positions,
    pub(super) settle_at: Instant,
    /// The pending partition whose position was asked for last.
    pub(super) settled_last: Option<Partition>,
    pub(super) grow_at: Instant,
    /// Why some of the source's partitions are read by nobody yet.
    pub(super) growing: Option<NotReady>,
    pub(super) notes: Notes,
    pub(super) mirror: Mirror,
    /// Read, not yet processed.
    pub(super) waiting: VecDeque<Fetched<'s>>,
    pub(super) waiting_bytes: usize,
    /// Empty: the memory of the batch before.
    pub(super) spare: Outputs,
    pub(super) flight: Option<Flight>,
    pub(super) blame: Blame,
    /// Most records in the next batch; halved by an abort, doubled by a commit.
    pub(super) batch_records: usize,
    pub(super) last_commit: Instant,
    /// Setbacks since the last commit, and when to go on after them.
    pub(super) setbacks: u32,
    pub(super) rest_until: Instant,
    pub(super) trouble: Option<Trouble>,
    pub(super) probe_at: Instant,
    pub(super) said: Option<Option<NotReady>>,
    /// When it is tried again to read what cannot be read, and what was said of it.
    pub(super) recheck_at: Instant,
    pub(super) said_unreadable: Vec<Unreadable>,
    /// Most bytes of outputs in one batch for the brokers.
    pub(super) output_batch_bytes: usize,
    /// The worker is asked about its limits once more before the next attempt.
    pub(super) ask_limits: bool,
}

impl<'s> Session<'s> {
    pub(super) fn new(task: Task<'s>, clients: Clients<'s>, ground: Ground) -> Session<'s> {
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
            ground,
            joined: false,
            positions: Positions::default(),
            settle_at: now,
            settled_last: None,
            grow_at: now + super::growth::GROWTH_CHECK,
            growing: None,
            notes: Notes::new(config),
            mirror: Mirror::new(now),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            spare: Outputs::default(),
            flight: None,
            blame: Blame::default(),
            batch_records: config.commit_records,
            last_commit: now,
            setbacks: 0,
            rest_until: now,
            trouble: None,
            probe_at: now,
            said: None,
            recheck_at: now,
            said_unreadable: Vec::new(),
            output_batch_bytes,
            ask_limits: false,
        }
    }

    /// Turn until asked to stop; the clients are returned to be closed, with the size of batches that
    /// the topics take now.
    pub(super) fn run(mut self) -> (Ended, Owner, Writer, usize) {
        let ended = loop {
            if self.shutdown.is_requested() {
                break Ended::Asked;
            }
            let turned = self.turn();
            self.say_readiness();
            if let Err(setback) = turned {
                match self.recover(setback) {
                    None => {}
                    Some(ended) => break ended,
                }
            }
        };
        self.leave();
        (ended, self.owner, self.writer, self.output_batch_bytes)
    }

    fn turn(&mut self) -> Result<(), Setback> {
        self.observer.turned();
        self.serve_owner(Duration::ZERO)?;
        self.serve_rebalances()?;
        if Instant::now() < self.rest_until {
            return self.serve_owner(IDLE);
        }
        if !self.init_writer()? {
            return Ok(());
        }
        self.fit_again();
        self.settle()?;
        self.tell_unreadable()?;
        self.recheck_unreadable()?;
        self.watch_growth()?;
        self.report_lag()?;
        self.mirror_positions();
        self.probe()?;
        self.advance()
    }

    /// Fill the transaction under way, or commit it and begin the next one.
    fn advance(&mut self) -> Result<(), Setback> {
        let full = self.flight_is_full();
        // Suspects go one by one: waiting before each would take minutes.
        self.gather(!full && !self.blame.has_suspects())?;
        // While a full transaction is being delivered, the next records are processed.
        let prepared = self.process(full)?;
        if full || prepared.cargo.places.is_empty() {
            self.finish()?;
        }
        self.dispatch(prepared)
    }

    /// Let the group speak. Rebalances are recorded, errors judged.
    pub(super) fn serve_owner(&mut self, wait: Duration) -> Result<(), Setback> {
        match self.owner.poll(wait) {
            None => Ok(()),
            Some(KafkaError::MessageConsumptionFatal(code)) => {
                Err(Setback::Reopen(format!("ownership group: {code}")))
            }
            Some(error) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                let context = format!("the group {}", self.config.group);
                match client_trouble(Side::Destination, code, &context) {
                    Some(trouble) => self.note_trouble(trouble),
                    None => tracing::debug!(%error, "ownership group"),
                }
                Ok(())
            }
        }
    }

    fn serve_rebalances(&mut self) -> Result<(), Setback> {
        while let Some(rebalance) = self.owner.next_rebalance() {
            match rebalance {
                Rebalance::Assign(partitions) => {
                    self.owner.answer_assign(&partitions).map_err(reopen)?;
                    self.joined = true;
                    self.positions.own(&partitions);
                    self.settle_at = Instant::now();
                    tracing::info!(?partitions, "partitions assigned");
                    self.worker.on_assign(&partitions);
                }
                Rebalance::Revoke { partitions, lost } => {
                    tracing::info!(?partitions, lost, "partitions revoked");
                    // A member that was forgotten has to join anew.
                    self.joined &= !lost;
                    let finished = self.settle_flight_before_revoke(lost);
                    self.drop_partitions(&partitions)?;
                    self.owner.answer_revoke(&partitions).map_err(reopen)?;
                    finished?;
                }
            }
            self.observer.assigned(&self.positions.owned());
        }
        Ok(())
    }

    /// Commit what is under way while the partitions are still ours; take it back if they are not.
    fn settle_flight_before_revoke(&mut self, lost: bool) -> Result<(), Setback> {
        if self.flight.is_none() {
            return Ok(());
        }
        if lost {
            return Err(Setback::Abort {
                reason: "assignment_lost",
                detail: "the group took the partitions away".into(),
            });
        }
        self.finish()
    }

    fn drop_partitions(&mut self, partitions: &[Partition]) -> Result<(), Setback> {
        self.reader.stop(partitions).map_err(reopen)?;
        self.positions.disown(partitions);
        self.blame.disown(partitions);
        // What could not be written may have been theirs.
        self.setbacks = 0;
        let positions = &self.positions;
        self.waiting
            .retain(|fetched| positions.owns(fetched.partition()));
        self.waiting_bytes = self.waiting.iter().map(Fetched::size).sum();
        self.worker.on_revoke(partitions);
        Ok(())
    }

    fn waiting_is_full(&self) -> bool {
        self.waiting.len() >= self.batch_records.min(STEP_RECORDS)
            || self.waiting_bytes >= self.config.commit_bytes.min(STEP_BYTES)
    }

    /// Whether the transaction under way is to be committed. After a pause its first record is
    /// enough: the interval bounds how often one commits.
    fn flight_is_full(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| {
            flight.cargo.places.len() >= self.batch_records
                || flight.cargo.bytes >= self.config.commit_bytes
                || self.blame.has_suspects()
                || Instant::now() >= self.due()
        })
    }

    fn due(&self) -> Instant {
        self.last_commit + self.config.commit_interval()
    }

    /// Read until there is enough to process or, with `wait`, until the commit interval is over.
    fn gather(&mut self, wait: bool) -> Result<(), Setback> {
        let due = self.due();
        let mut now = (wall_ms(), Instant::now());
        while !self.waiting_is_full() {
            let patience = || match self.waiting.is_empty() {
                true => IDLE,
                false => due.saturating_duration_since(Instant::now()).min(IDLE),
            };
            // Asking for the time costs as much as a record that is already here.
            let mut polled = self.reader.poll(Duration::ZERO);
            if polled.is_none() && wait {
                polled = self.reader.poll(patience());
                now = (wall_ms(), Instant::now());
            }
            match polled {
                Some(Ok(fetched)) => {
                    self.take_in(fetched, now)?;
                    self.note_flow();
                }
                Some(Err(error)) => self.judge_reader_error(&error)?,
                None if self.waiting.is_empty() || !wait || Instant::now() >= due => break,
                None => {}
            }
        }
        Ok(())
    }

    /// Keep a record for the next batch, unless it was read before a rewind or a rebalance. The one
    /// before the position must be the one that was consumed.
    fn take_in(&mut self, mut fetched: Fetched<'s>, now: (i64, Instant)) -> Result<(), Setback> {
        let (partition, offset) = (fetched.partition(), fetched.offset());
        match self.positions.arrive(partition, offset) {
            Arrival::Next => {
                let timestamp_ms = fetched.timestamp_ms();
                let (latest, logged_ms) = self.positions.see(partition, timestamp_ms, now);
                (fetched.latest, fetched.logged_ms) = (latest, logged_ms);
                self.waiting_bytes += fetched.size();
                self.waiting.push_back(fetched);
            }
            Arrival::Proof(last) if last.hash != fetched.last_record().hash => {
                let error = SessionError::AnotherRecord { partition, offset };
                return Err(Setback::Stop(error));
            }
            Arrival::Proof(_) | Arrival::Stale => {}
        }
        Ok(())
    }

    /// Give the worker some of the waiting records: as many as still fit the transaction under way,
    /// or, with `anew`, for the next one.
    fn process(&mut self, anew: bool) -> Result<Prepared, Setback> {
        let under_way = self.flight.as_ref().filter(|_| !anew);
        let begins = under_way.is_none();
        let (records, bytes) = under_way.map_or((0, 0), |f| (f.cargo.places.len(), f.cargo.bytes));
        let most_records = (self.batch_records.saturating_sub(records)).min(STEP_RECORDS);
        let most_bytes = (self.config.commit_bytes.saturating_sub(bytes)).min(STEP_BYTES);
        let mut batch = Vec::with_capacity(self.waiting.len().min(most_records));
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            let isolated = self.blame.isolates((next.partition(), next.offset()));
            let full = batch.len() >= most_records || bytes + next.size() > most_bytes;
            // Whatever its size, the first of a transaction may come in.
            let first = batch.is_empty() && begins;
            if !first && (full || isolated) {
                break;
            }
            bytes += next.size();
            batch.extend(self.waiting.pop_front());
            if isolated {
                break;
            }
        }
        if batch.is_empty() {
            return Ok(Prepared::default());
        }
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        let place = |fetched: &Fetched<'_>| (fetched.partition(), fetched.offset());
        let records: Vec<SourceRecord<'_>> = batch
            .iter()
            .map(|fetched| SourceRecord {
                record: fetched.record(),
                refusals: self.blame.refusals(place(fetched)),
                logged_ms: fetched.logged_ms,
                history: self
                    .positions
                    .is_history(fetched.partition(), fetched.offset()),
            })
            .collect();
        let mut outputs = std::mem::take(&mut self.spare);
        if begins {
            self.worker.on_begin();
        }
        let processed = self.worker.on_batch(&records, &mut outputs);
        processed.map_err(|refusal| Setback::Abort {
            reason: refusal.reason,
            detail: refusal.detail,
        })?;
        let cargo = Cargo {
            places: batch.iter().map(place).collect(),
            marks: self.marks(&batch),
            bytes,
        };
        Ok(Prepared { cargo, outputs })
    }
}

pub(super) fn reopen(error: KafkaError) -> Setback {
    Setback::Reopen(error.to_string())
}
