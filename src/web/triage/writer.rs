//! Writes what people decide. All pages of a deployment write under one transactional id: whoever opens it keeps the others
//! from committing, reads the topic to its end, and then writes only what was decided on the newest records. Whoever was
//! kept from it opens the id again and looks again, so that decisions have one order and each knows the one before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::known::Triages;
use super::topic::{Place, from, read};
use crate::config::Config;
use crate::event::{OutputRecord, Partition};
use crate::kafka::ClientError;
use crate::kafka::atomic::{AtomicAppender, AtomicConfig, AtomicError};
use crate::kafka::session::transactional_id_prefix;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::triage::{IncidentKey, Triage};

/// How often a decision is tried while other pages write, too.
const ATTEMPTS: usize = 8;

/// How long the cluster may take to give the transactional id to this page.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a transaction may take.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for a question to the cluster.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a person waits until the decisions of others on this page are written.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(15);

/// Most bytes of a batch.
const BATCH_BYTES: usize = 1_000_000;

/// What a person has decided.
#[derive(Clone)]
pub(in crate::web) struct Decision {
    /// The offset of the record that was decided on; `None` if there was none.
    pub(in crate::web) base: Option<i64>,
    /// The record.
    pub(in crate::web) triage: Triage,
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Outcome {
    /// It is in the topic, and was read back.
    Stored,
    /// Somebody else has decided in between; nothing is written.
    Changed,
}

/// Why decisions are not written.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::web) enum Unwritten {
    /// None of them is.
    #[error("{0}")]
    NotStored(String),
    /// It is not known whether they are.
    #[error("{0}")]
    Unknown(String),
}

impl Unwritten {
    fn of(is_known: bool, error: String) -> Unwritten {
        match is_known {
            true => Unwritten::NotStored(error),
            false => Unwritten::Unknown(error),
        }
    }
}

/// Writes decisions, one after the other.
pub struct TriageWriter {
    place: Place,
    transactional_id: String,
    /// The open id, if this page had it last.
    open: Arc<Mutex<Option<Open>>>,
}

/// The transactional id, opened, and a reader of the topic.
struct Open {
    appender: AtomicAppender,
    reader: TopicReader,
}

impl TriageWriter {
    /// The writer of a configuration; nothing is sent yet.
    pub fn new(config: &Config) -> TriageWriter {
        TriageWriter {
            place: Place::of(config),
            transactional_id: format!("{}triage", transactional_id_prefix(&config.session.group)),
            open: Arc::default(),
        }
    }

    /// Writes decisions, each on another incident, in one transaction, and reads them back.
    ///
    /// # Errors
    /// [`Unwritten`].
    pub(in crate::web) async fn write(
        &self,
        triages: &Arc<Triages>,
        decisions: Vec<Decision>,
    ) -> Result<Vec<Outcome>, Unwritten> {
        let locked = timeout(QUEUE_TIMEOUT, self.open.clone().lock_owned()).await;
        let mut open = locked.map_err(|_| {
            let busy =
                "the decisions of others are still being written, and Kafka takes long to answer";
            Unwritten::NotStored(busy.to_owned())
        })?;
        let place = self.place.clone();
        let transactional_id = self.transactional_id.clone();
        let triages = triages.clone();
        let written = spawn_blocking(move || {
            let mut writing = Writing {
                place: &place,
                transactional_id: &transactional_id,
                triages: &triages,
                open: &mut open,
            };
            writing.run(&decisions)
        });
        match written.await {
            Ok(written) => written,
            // The reason is in the log; the next one opens the id again and looks again.
            Err(_) => Err(Unwritten::Unknown(
                "the page has failed while it was writing".to_owned(),
            )),
        }
    }
}

/// One attempt after the other.
struct Writing<'w> {
    place: &'w Place,
    transactional_id: &'w str,
    triages: &'w Triages,
    open: &'w mut Option<Open>,
}

impl Writing<'_> {
    fn run(&mut self, decisions: &[Decision]) -> Result<Vec<Outcome>, Unwritten> {
        // Whether the outcome of every attempt is known: opening the id ends its transaction, and what was committed is read.
        let mut is_known = true;
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let open = match self.open.take() {
                Some(open) => open,
                None => {
                    let open = self.open();
                    open.map_err(|error| Unwritten::of(is_known, error))?
                }
            };
            let outcomes = self.outcomes(decisions);
            match self.attempt(&open, decisions, &outcomes) {
                Ok(()) => {
                    *self.open = Some(open);
                    let outcomes = outcomes.into_iter();
                    return Ok(outcomes
                        .map(|outcome| outcome.unwrap_or(Outcome::Stored))
                        .collect());
                }
                Err(error @ AtomicError::Refused { .. }) => {
                    *self.open = Some(open);
                    return Err(Unwritten::NotStored(error.to_string()));
                }
                Err(error) => {
                    // A commit that was asked for twice, since its answer was lost, may find that it was fenced.
                    is_known = matches!(error, AtomicError::Client(_));
                    last = error.to_string();
                }
            }
        }
        Err(Unwritten::of(is_known, last))
    }

    /// Writes the decisions of which it is not known yet what became of them, and reads them back.
    fn attempt(
        &self,
        open: &Open,
        decisions: &[Decision],
        outcomes: &[Option<Outcome>],
    ) -> Result<(), AtomicError> {
        let pending = decisions
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| outcome.is_none());
        let records: Vec<OutputRecord> = pending
            .map(|(decision, _)| self.record(&decision.triage))
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        let partition = Some(Partition(0));
        let records = records.iter().map(|record| (record, partition));
        open.appender.write(records)?;
        let read = self.read_back(&open.reader);
        read.map_err(|error| AtomicError::Unknown(client_error(error)))
    }

    /// What has become of each decision by now; `None` if it can be written.
    fn outcomes(&self, decisions: &[Decision]) -> Vec<Option<Outcome>> {
        let board = self.triages.known().board;
        let outcome = |decision: &Decision| {
            let key: &IncidentKey = &decision.triage.seen.key;
            let change = &decision.triage.newest;
            // By an attempt whose outcome was not known.
            let is_written = |known: &Arc<Triage>| known.history().any(|known| known == change);
            match board.version(key) == decision.base {
                true => None,
                false if board.get(key).is_some_and(is_written) => Some(Outcome::Stored),
                false => Some(Outcome::Changed),
            }
        };
        decisions.iter().map(outcome).collect()
    }

    /// Takes the transactional id from whoever had it, and reads what was written under it.
    fn open(&self) -> Result<Open, String> {
        let opened = || -> Result<Open, ClientError> {
            let config = AtomicConfig {
                role: "triage",
                transactional_id: self.transactional_id,
                batch_bytes: BATCH_BYTES,
                open_timeout: OPEN_TIMEOUT,
                transaction_timeout: TRANSACTION_TIMEOUT,
            };
            let appender = AtomicAppender::open(&self.place.cluster, &config)?;
            let Place {
                cluster,
                group,
                topic,
            } = self.place;
            let reader = TopicReader::open(cluster, group, topic, TIMEOUT).map_err(client_error)?;
            Ok(Open { appender, reader })
        };
        let open = opened().map_err(|error| error.to_string())?;
        self.read_back(&open.reader)
            .map_err(|error| error.to_string())?;
        Ok(open)
    }

    /// Reads everything that was committed by now.
    fn read_back(&self, reader: &TopicReader) -> Result<(), ReadError> {
        let spans = reader.settled_spans(&self.place.cluster, TRANSACTION_TIMEOUT)?;
        let next = self.triages.known().board.next();
        let records = read(reader, &from(next, &spans), &|| false)?;
        self.triages.take(&records);
        Ok(())
    }

    fn record(&self, triage: &Triage) -> OutputRecord {
        OutputRecord {
            topic: self.place.topic.clone(),
            key: Some(triage.seen.key.to_string().into_bytes()),
            value: Some(triage.to_json()),
            headers: Vec::new(),
        }
    }
}

fn client_error(error: ReadError) -> ClientError {
    match error {
        ReadError::Client(error) => error,
        error => ClientError::Creation(error.to_string()),
    }
}
