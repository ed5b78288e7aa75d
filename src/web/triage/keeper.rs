//! Reads the topic of triage whole, and then follows it, for as long as the daemon runs. It is in no consumer group, so any
//! number of pages read it.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::known::{Taken, Triages};
use super::topic::{Place, end, from, read};
use crate::config::Config;
use crate::kafka::ClientError;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicRead, TopicReader};
use crate::kafka::topics::{Topics, triage_topic};

/// Longest time for a question to the cluster.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long records that are written while the topic is read for the first time are waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Pause before the topic is read again after it could not be.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a cluster in trouble is asked whether it answers again.
const RETRY: Duration = Duration::from_secs(2);

/// How often the keeper looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Reads the topic.
pub struct TriageKeeper {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where the records are found.
    pub triages: Arc<Triages>,
    /// The request to end.
    pub shutdown: Shutdown,
}

/// Why the topic is not read.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(
        "the topic {0} does not exist; create it (watchbell topics create, or create_topics: true), or grant Describe on it"
    )]
    Missing(Arc<str>),
    #[error("the topic {0} was created again; it is read from its beginning")]
    CreatedAgain(Arc<str>),
}

impl TriageKeeper {
    /// Reads until asked to end. While the topic cannot be read, what was known stays in force. Kafka is not waited for at
    /// the end: a thread of its own asks it.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn run(self) -> io::Result<()> {
        let shutdown = self.shutdown.clone();
        let reading = thread::Builder::new()
            .name("page triage".into())
            .spawn(move || self.read())?;
        while !shutdown.is_requested() && !reading.is_finished() {
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn read(&self) {
        let place = Place::of(&self.config);
        while !self.shutdown.is_requested() {
            let Err(error) = self.keep(&place) else {
                continue;
            };
            let trouble = error.to_string();
            if self.triages.known().trouble.as_deref() != Some(&*trouble) {
                tracing::warn!(
                    reason = trouble,
                    "the page cannot read what was decided of alerts"
                );
            }
            self.triages.show_trouble(Some(trouble));
            let until = Instant::now() + PAUSE;
            while Instant::now() < until && !self.shutdown.is_requested() {
                thread::sleep(POLL);
            }
        }
    }

    fn keep(&self, place: &Place) -> Result<(), KeepError> {
        self.provide(place)?;
        let reader = TopicReader::open(&place.cluster, &place.group, &place.topic, TIMEOUT)?;
        let stop = || self.shutdown.is_requested();
        let spans = reader.settled_spans(&place.cluster, PATIENCE)?;
        let mut next = end(&spans);
        if next < self.triages.known().board.next() {
            self.triages.forget();
        }
        let known = self.triages.known().board.next();
        self.triages
            .take(&read(&reader, &from(known, &spans), &stop)?);
        if stop() {
            return Ok(());
        }
        self.triages.show_whole();
        let incidents = self.triages.known().board.len();
        tracing::info!(
            incidents,
            topic = &*place.topic,
            "what was decided of alerts is read"
        );
        let mut created_again = false;
        let mut asked = Instant::now();
        reader.follow(&from(next, &reader.spans()?), &mut |turn| {
            if stop() {
                return ControlFlow::Break(());
            }
            match turn {
                TopicRead::Record(record) => {
                    let record = Taken::of(&record);
                    created_again = record.offset < next;
                    if created_again {
                        return ControlFlow::Break(());
                    }
                    next = record.offset + 1;
                    self.triages.take(&[record]);
                    self.triages.show_trouble(None);
                }
                TopicRead::Trouble(trouble) => self.triages.show_trouble(Some(trouble)),
                TopicRead::Idle => {}
            }
            let is_troubled = self.triages.known().trouble.is_some();
            if is_troubled && asked.elapsed() >= RETRY {
                if reader.spans().is_ok() {
                    self.triages.show_trouble(None);
                }
                asked = Instant::now();
            }
            ControlFlow::Continue(())
        })?;
        if created_again {
            self.triages.forget();
            return Err(KeepError::CreatedAgain(place.topic.clone()));
        }
        Ok(())
    }

    /// Creates the topic where it is missing and that is wanted.
    fn provide(&self, place: &Place) -> Result<(), KeepError> {
        let topics = Topics::new(&place.cluster, TIMEOUT)?;
        if topics.partitions(&place.topic)?.is_some() {
            return Ok(());
        }
        if !self.config.create_topics {
            return Err(KeepError::Missing(place.topic.clone()));
        }
        topics.create(&triage_topic(&place.topic))?;
        tracing::info!(topic = &*place.topic, "topic created");
        Ok(())
    }
}
