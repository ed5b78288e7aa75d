//! Beginning and end of a session: clients, ownership topic, joining and leaving.
//! Whatever the clusters do, `run` returns within the shutdown budget once it is asked to.

use std::thread;
use std::time::{Duration, Instant};

use super::config::SessionConfig;
use super::error::{SessionError, Trouble};
use super::fault::Side;
use super::observe::{NotReady, SessionObserver, Shutdown};
use super::owner::Owner;
use super::reader::Reader;
use super::turn::{Clients, Ended, Session, Task};
use super::worker::Worker;
use super::writer::Writer;
use crate::kafka::ClientError;
use crate::kafka::topics::{Topics, WantedTopic, ownership_topic, positions_topic};

/// Longest wait for the answer to one question.
pub(super) const QUESTION: Duration = Duration::from_secs(2);

/// Pause before clients that failed are opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// Run a session on this thread until it is asked to stop.
///
/// # Errors
/// The configuration is refused, or going on would lose or repeat records against `on_gap`; all
/// else is retried for as long as it takes, and reported to the observer.
pub fn run(
    config: &SessionConfig,
    worker: &mut dyn Worker,
    shutdown: &Shutdown,
    observer: &dyn SessionObserver,
) -> Result<(), SessionError> {
    config.check()?;
    let mut output_batch_bytes = config.output_batch_bytes;
    loop {
        let reader = Reader::new(config)?;
        let Some(ground) = prepare(config, &reader, shutdown, observer)? else {
            return Ok(());
        };
        let clients = Clients {
            owner: Owner::join(config, ground.ownership_topic.clone())?,
            writer: Writer::new(config, output_batch_bytes)?,
            reader: &reader,
        };
        let task = Task {
            config,
            worker: &mut *worker,
            shutdown,
            observer,
            output_batch_bytes,
        };
        let session = Session::new(task, clients, ground);
        let (ended, owner, writer, batch_bytes) = session.run();
        output_batch_bytes = batch_bytes;
        let budget = shutdown.requested_at().map_or(QUESTION, |since| {
            config.shutdown_budget().saturating_sub(since.elapsed())
        });
        within(budget, move || drop((owner, writer, reader)));
        match ended {
            Ended::Asked => return Ok(()),
            Ended::Stopped(error) => return Err(error),
            Ended::Reopen => pause(REOPEN_PAUSE, shutdown),
        }
    }
}

/// What is known of the two clusters before the group is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ground {
    /// The topic whose partitions stand for the source's.
    pub(super) ownership_topic: String,
    /// Whether it is a topic of our own, to be grown with the source.
    pub(super) ownership_is_ours: bool,
    /// Id of the source cluster; `None` with brokers that have none.
    pub(super) source_cluster: Option<String>,
    /// How many partitions the source has.
    pub(super) source_partitions: u32,
}

/// Learn about both clusters and provide the ownership topic; `None` if asked to stop meanwhile.
fn prepare(
    config: &SessionConfig,
    reader: &Reader,
    shutdown: &Shutdown,
    observer: &dyn SessionObserver,
) -> Result<Option<Ground>, SessionError> {
    let mut wait = Duration::from_millis(250);
    let mut said = None;
    while !shutdown.is_requested() {
        observer.turned();
        let trouble = match survey(config, reader) {
            Ok(ground) => return Ok(Some(ground)),
            Err(trouble) => trouble,
        };
        if said.as_ref() != Some(&trouble) {
            tracing::warn!(
                source = config.source_name,
                reason = trouble.reason,
                "{}",
                trouble.remedy
            );
            observer.readiness(Some(&NotReady {
                reason: trouble.reason,
                remedy: trouble.remedy.clone(),
            }));
            said = Some(trouble);
        }
        pause(wait, shutdown);
        // Nothing is assigned yet: this serves librdkafka's log lines.
        let _ = reader.poll(Duration::ZERO);
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    Ok(None)
}

/// Wait, unless asked to stop.
fn pause(wait: Duration, shutdown: &Shutdown) {
    let until = Instant::now() + wait;
    while Instant::now() < until && !shutdown.is_requested() {
        thread::sleep(Duration::from_millis(50).min(wait));
    }
}

/// Look at both clusters and provide the topics without which no position can be kept.
fn survey(config: &SessionConfig, reader: &Reader) -> Result<Ground, Trouble> {
    let ground = look(config, reader)?;
    let topics = Topics::new(&config.destination, QUESTION)
        .map_err(|error| unreachable(Side::Destination, &error))?;
    if ground.ownership_is_ours {
        provide_ownership(&topics, &ground.ownership_topic, ground.source_partitions)?;
    }
    provide_notes(&topics, &config.positions_topic)?;
    Ok(ground)
}

/// Look at both clusters and change nothing.
pub(super) fn look(config: &SessionConfig, reader: &Reader) -> Result<Ground, Trouble> {
    // Asked first: a client of its own says what is wrong with a login, the reader cannot.
    let source_cluster = config
        .source
        .cluster_id(QUESTION)
        .map_err(|error| unreachable(Side::Source, &error))?;
    let source_partitions = reader
        .partitions(QUESTION)
        .map_err(|error| unreachable(Side::Source, &error))?
        .ok_or_else(|| source_missing(config))?;
    let destination_cluster = config
        .destination
        .cluster_id(QUESTION)
        .map_err(|error| unreachable(Side::Destination, &error))?;
    let same = match (&source_cluster, &destination_cluster) {
        (Some(source), Some(destination)) => source == destination,
        _ => config.source.bootstrap == config.destination.bootstrap,
    };
    Ok(Ground {
        ownership_topic: if same {
            config.source_topic.clone()
        } else {
            ownership_topic(&config.source_name)
        },
        ownership_is_ours: !same,
        source_cluster,
        source_partitions,
    })
}

fn unreachable(side: Side, error: &ClientError) -> Trouble {
    let cluster = match side {
        Side::Source => "source",
        Side::Destination => "destination",
    };
    let remedy = match error {
        ClientError::Login { .. } => format!("{cluster}: {error}"),
        _ => format!(
            "{error}: check bootstrap, credentials, the network and the brokers of the {cluster}"
        ),
    };
    Trouble {
        side,
        reason: error.reason(),
        remedy,
    }
}

pub(super) fn source_missing(config: &SessionConfig) -> Trouble {
    Trouble {
        side: Side::Source,
        reason: "source_missing",
        remedy: format!(
            "the source topic {} does not exist, or these credentials may not see it: check its \
             name, grant Read and Describe",
            config.source_topic
        ),
    }
}

/// Create the ownership topic, or grow it to the source's number of partitions.
pub(super) fn provide_ownership(topics: &Topics, topic: &str, wanted: u32) -> Result<(), Trouble> {
    let ask = || -> Result<bool, ClientError> {
        match topics.partitions(topic)? {
            None => topics.create(&WantedTopic::new(topic, wanted))?,
            Some(has) if has < wanted => topics.grow(topic, wanted)?,
            Some(_) => return Ok(true),
        }
        Ok(topics.partitions(topic)?.is_some_and(|has| has >= wanted))
    };
    let problem = match ask() {
        Ok(true) => return Ok(()),
        Ok(false) => "its partitions are not there yet".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Trouble {
        side: Side::Destination,
        reason: "ownership_topic",
        remedy: format!(
            "the ownership topic {topic} needs {wanted} partitions: {problem}; create or grow it \
             (watchbell topics create), or grant Create and Alter on it"
        ),
    })
}

/// Create the topic of noted positions where it is missing.
fn provide_notes(topics: &Topics, topic: &str) -> Result<(), Trouble> {
    let ask = || -> Result<bool, ClientError> {
        if topics.partitions(topic)?.is_none() {
            topics.create(&positions_topic(topic))?;
        }
        Ok(topics.partitions(topic)?.is_some())
    };
    let problem = match ask() {
        Ok(true) => return Ok(()),
        Ok(false) => "it is not there yet".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Trouble {
        side: Side::Destination,
        reason: "positions_topic",
        remedy: format!(
            "the topic {topic}, which remembers positions, is needed: {problem}; create it \
             (watchbell topics create), or grant Create, Describe, Read and Write on it"
        ),
    })
}

/// Run `close` on a thread of its own and wait for it at most `budget`: closing a client can wait
/// for brokers that are gone, and the cluster forgets a member that left without a word.
pub(super) fn within(budget: Duration, close: impl FnOnce() + Send + 'static) {
    let closing = thread::Builder::new()
        .name("kafka-close".into())
        .spawn(close);
    let Ok(closing) = closing else {
        return;
    };
    let deadline = Instant::now() + budget;
    while !closing.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}
