//! Keeps a snapshot of the archive with the ends of the topics, no older than some seconds while somebody reads. All
//! readers share it, so that the storage and Kafka are asked the same however many read.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use datafusion::common::DataFusionError;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, watch};
use tokio::time::timeout;

use super::newest_alerts::NewestAlerts;
use crate::archive::TableKind;
use crate::config::Config;
use crate::kafka::session::Shutdown;
use crate::page::Language;
use crate::privacy::Policy;
use crate::query::archive::{Engine, Known, OpenError, Opening};
use crate::triage::{Board, Incident};

/// Age from which a snapshot is replaced while somebody reads.
const AGE: Duration = Duration::from_secs(2);

/// How long the tables are followed before they are opened anew.
const FOLLOWED: Duration = Duration::from_secs(60);

/// How long a snapshot is kept fresh after the last question.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a question waits for a fresh snapshot before it takes another one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest time for which a question waits for a snapshot.
const WAIT: Duration = Duration::from_secs(30);

/// How often the keeper looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Incidents, and the decisions with which they were gathered.
pub(super) type Decided = (Arc<Board>, Arc<Vec<Incident>>);

/// A snapshot, and what people must know of it.
pub struct Snapshot {
    /// Answers questions.
    pub(super) engine: Engine,
    notes: Vec<Note>,
    /// The newest alerts, once somebody has asked for them.
    pub(super) alerts: OnceCell<Arc<NewestAlerts>>,
    /// The incidents of these alerts, once they were gathered.
    pub(super) incidents: Mutex<Option<Decided>>,
    /// Whether a policy of privacy hides fields of it.
    pub(super) is_hiding: bool,
    at: Instant,
    /// Whether none with more in it is to be had soon.
    is_best: bool,
    /// The same without what policies of privacy hide, by the names of the policies.
    hidden: AsyncMutex<Vec<(String, Arc<Snapshot>)>>,
}

impl Snapshot {
    /// The same without what a policy hides; made once.
    ///
    /// # Errors
    /// A table is missing.
    pub(super) async fn hiding(
        &self,
        policy: &Arc<Policy>,
    ) -> Result<Arc<Snapshot>, DataFusionError> {
        let mut hidden = self.hidden.lock().await;
        if let Some((_, made)) = hidden.iter().find(|(name, _)| *name == policy.name) {
            return Ok(made.clone());
        }
        let made = Arc::new(Snapshot {
            engine: self.engine.hiding(policy).await?,
            notes: self.notes.clone(),
            is_hiding: true,
            at: self.at,
            is_best: self.is_best,
            alerts: OnceCell::new(),
            incidents: Mutex::default(),
            hidden: AsyncMutex::default(),
        });
        hidden.push((policy.name.clone(), made.clone()));
        Ok(made)
    }

    /// What people must know of it.
    pub(super) fn notes(&self, language: Language) -> Vec<String> {
        let words = language.words();
        let notes = self.notes.iter().map(|note| match note {
            Note::TopicsLeftOut => words.topics_left_out.to_owned(),
            Note::NoArchive => words.topics_alone.to_owned(),
            Note::Said(note) => note.clone(),
        });
        notes.collect()
    }

    /// Takes over what was gathered of alerts that are still the same.
    fn follow(&self, earlier: &Snapshot) {
        if self
            .engine
            .has_same_rows(&earlier.engine, TableKind::Alerts)
            && let Some(alerts) = earlier.alerts.get()
            && self.alerts.set(alerts.clone()).is_ok()
        {
            let gathered = |of: &Mutex<Option<Decided>>| {
                of.lock().unwrap_or_else(PoisonError::into_inner).clone()
            };
            let incidents = gathered(&earlier.incidents);
            *self
                .incidents
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = incidents;
        }
    }

    fn is_fresh(&self) -> bool {
        self.is_best && self.at.elapsed() < 3 * AGE
    }
}

/// What people must know of a snapshot.
#[derive(Clone)]
enum Note {
    /// Kafka has not answered yet.
    TopicsLeftOut,
    /// The topics alone are shown.
    NoArchive,
    /// What the query library says, such as that a topic could not be read.
    Said(String),
}

/// Why there is no snapshot.
type Reason = Arc<str>;

/// The newest snapshot, or why there is none.
pub(super) type Newest = Option<Result<Arc<Snapshot>, Reason>>;

/// The newest snapshot.
pub struct Snapshots {
    newest: watch::Sender<Newest>,
    /// When the last question came.
    asked: Mutex<Option<Instant>>,
    question: Condvar,
}

impl Default for Snapshots {
    fn default() -> Snapshots {
        Snapshots {
            newest: watch::Sender::new(None),
            asked: Mutex::new(None),
            question: Condvar::new(),
        }
    }
}

impl Snapshots {
    /// A snapshot that is some seconds old at most; an older one, or one without the ends of the topics, if Kafka or the
    /// storage take long.
    pub(super) async fn get(&self) -> Result<Arc<Snapshot>, Reason> {
        *self.asked() = Some(Instant::now());
        self.question.notify_one();
        let mut newest = self.newest.subscribe();
        if let Ok(fresh) = timeout(PATIENCE, newest.wait_for(is_fresh)).await {
            return taken(fresh.as_deref().ok());
        }
        let is_any = |newest: &Newest| newest.is_some();
        match timeout(WAIT, newest.wait_for(is_any)).await {
            Ok(any) => taken(any.as_deref().ok()),
            Err(_) => Err("neither the archive nor Kafka has answered".into()),
        }
    }

    /// Is told of every new snapshot.
    pub(super) fn changes(&self) -> watch::Receiver<Newest> {
        self.newest.subscribe()
    }

    fn asked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a snapshot is wanted; whether one is.
    fn wait(&self) -> bool {
        let is_wanted =
            |asked: &Option<Instant>| asked.is_some_and(|asked| asked.elapsed() < READ_TIMEOUT);
        let asked = self.asked();
        if is_wanted(&asked) {
            return true;
        }
        let waited = self.question.wait_timeout(asked, POLL);
        let (asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_wanted(&asked)
    }
}

fn is_fresh(newest: &Newest) -> bool {
    matches!(newest, Some(Ok(snapshot)) if snapshot.is_fresh())
}

/// What was waited for; nothing comes after the daemon has ended.
fn taken(newest: Option<&Newest>) -> Result<Arc<Snapshot>, Reason> {
    let newest = newest.cloned().flatten();
    newest.unwrap_or_else(|| Err("the daemon is ending".into()))
}

/// What a snapshot has of the ends of the topics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// What Kafka answers.
    Asked,
    /// Nothing: they are asked next.
    Later,
    /// Nothing: Kafka has not answered for some time.
    Away,
}

/// Keeps the newest snapshot.
pub struct SnapshotKeeper<'k> {
    /// Where the snapshots are found.
    pub snapshots: &'k Snapshots,
    /// Makes them.
    pub maker: SnapshotMaker,
}

impl SnapshotKeeper<'_> {
    /// Makes snapshots while somebody reads, until asked to end.
    pub fn run(&self) {
        let shutdown = &self.maker.shutdown;
        let mut opened = Instant::now();
        while !shutdown.is_requested() {
            let newest = &self.snapshots.newest;
            if !self.snapshots.wait() {
                // What nobody reads is not kept in memory.
                if newest.send_if_modified(|newest| newest.take().is_some()) {
                    self.maker.known.clear();
                }
                continue;
            }
            let begun = Instant::now();
            if opened.elapsed() > FOLLOWED {
                self.maker.known.forget_tables();
                opened = begun;
            }
            if !matches!(&*newest.borrow(), Some(Ok(_))) && self.maker.has_archive() {
                // The archive answers while Kafka is asked.
                self.show(self.maker.make(begun, Ends::Later));
            }
            let Some(made) = self.live(begun) else {
                return;
            };
            if let Err(reason) = &made {
                tracing::warn!(%reason, "the page cannot read the archive or the topics");
            }
            self.show(made);
            while begun.elapsed() < AGE && !shutdown.is_requested() {
                thread::sleep(POLL);
            }
        }
    }

    /// Gives the newest snapshot to those who ask.
    fn show(&self, made: Result<Arc<Snapshot>, Reason>) {
        let newest = &self.snapshots.newest;
        if let (Ok(made), Some(Ok(earlier))) = (&made, &*newest.borrow()) {
            made.follow(earlier);
        }
        newest.send_replace(Some(made));
    }

    /// A snapshot with the ends of the topics. While Kafka does not answer, the archive alone is shown, and stays fresh.
    /// `None` when asked to end: Kafka is not waited for then.
    fn live(&self, begun: Instant) -> Option<Result<Arc<Snapshot>, Reason>> {
        let (sender, receiver) = mpsc::channel();
        let maker = self.maker.clone();
        let asked = thread::Builder::new()
            .name("page topics".into())
            .spawn(move || {
                // Nobody waits for it at the end.
                let _ = sender.send(maker.make(begun, Ends::Asked));
            });
        if let Err(error) = asked {
            return Some(Err(format!("a thread cannot be started: {error}").into()));
        }
        let mut shown = begun;
        while !self.maker.shutdown.is_requested() {
            match receiver.recv_timeout(POLL) {
                Ok(made) => return Some(made),
                Err(RecvTimeoutError::Disconnected) => {
                    return Some(Err(
                        "the topics cannot be read: a fault of the program".into()
                    ));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if shown.elapsed() > 2 * AGE && self.maker.has_archive() {
                shown = Instant::now();
                self.show(self.maker.make(shown, Ends::Away));
            }
        }
        None
    }
}

/// Makes snapshots.
#[derive(Clone)]
pub struct SnapshotMaker {
    /// The configuration.
    pub config: Arc<Config>,
    /// Runs the requests to the storage.
    pub handle: Handle,
    /// The request to end.
    pub shutdown: Shutdown,
    /// What one snapshot leaves to the next.
    pub known: Arc<Known>,
}

impl SnapshotMaker {
    fn has_archive(&self) -> bool {
        self.config.archive.is_some()
    }

    fn make(&self, at: Instant, ends: Ends) -> Result<Arc<Snapshot>, Reason> {
        let notes = Mutex::new(Vec::new());
        let add = |note| {
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.push(note);
        };
        if ends != Ends::Asked {
            add(Note::TopicsLeftOut);
        }
        if !self.has_archive() {
            add(Note::NoArchive);
        }
        let opened = self.open(ends == Ends::Asked, &|note| {
            add(Note::Said(note.to_owned()))
        });
        let notes = notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(engine) => Ok(Arc::new(Snapshot {
                engine,
                notes,
                alerts: OnceCell::new(),
                incidents: Mutex::default(),
                is_hiding: false,
                at,
                is_best: ends != Ends::Later,
                hidden: AsyncMutex::default(),
            })),
            Err(error) => Err(error.to_string().into()),
        }
    }

    fn open(&self, is_live: bool, note: &(dyn Fn(&str) + Sync)) -> Result<Engine, OpenError> {
        let page = self.config.page.as_ref();
        let opening = Opening {
            config: &self.config,
            archive: self.config.archive.as_ref(),
            tables: &TABLES,
            memory: page.map_or(0, |page| page.memory),
            is_live,
            known: Some(&self.known),
            stop: &self.shutdown,
            note,
        };
        opening.open(&self.handle)
    }
}

/// The tables that the page asks.
const TABLES: [TableKind; 4] = [
    TableKind::Events,
    TableKind::Alerts,
    TableKind::DeadLetters,
    TableKind::Ledger,
];
