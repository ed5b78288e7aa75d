//! Beginning and end of a session: clients, ownership topic, joining and leaving.
//! Whatever the clusters do, `run` returns within the shutdown budget once it is asked to.

use std::thread;
use std::time::{Duration, Instant};

use super::cluster_facts::{ClusterFacts, REQUEST_TIMEOUT, survey};
use super::config::SessionConfig;
use super::deadline::close_within;
use super::error::SessionError;
use super::observe::{NotReady, SessionObserver, Shutdown};
use super::owner::Owner;
use super::source_reader::SourceReader;
use super::turn::{Clients, Ended, Session, Task};
use super::worker::Worker;
use super::writer::Writer;

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
        let reader = SourceReader::new(config)?;
        let Some(facts) = prepare(config, &reader, shutdown, observer)? else {
            return Ok(());
        };
        let clients = Clients {
            owner: Owner::join(config, facts.ownership_topic.clone())?,
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
        let session = Session::new(task, clients, facts);
        let (ended, owner, writer, batch_bytes) = session.run();
        output_batch_bytes = batch_bytes;
        let budget = shutdown.requested_at().map_or(REQUEST_TIMEOUT, |since| {
            config.shutdown_budget().saturating_sub(since.elapsed())
        });
        close_within(budget, move || drop((owner, writer, reader)));
        match ended {
            Ended::Requested => return Ok(()),
            Ended::Stopped(error) => return Err(error),
            Ended::Reopen => pause(REOPEN_PAUSE, shutdown),
        }
    }
}

/// Learn about both clusters and provide the ownership topic; `None` if asked to stop meanwhile.
fn prepare(
    config: &SessionConfig,
    reader: &SourceReader,
    shutdown: &Shutdown,
    observer: &dyn SessionObserver,
) -> Result<Option<ClusterFacts>, SessionError> {
    let mut wait = Duration::from_millis(250);
    let mut said = None;
    while !shutdown.is_requested() {
        observer.turned();
        let trouble = match survey(config, reader) {
            Ok(facts) => return Ok(Some(facts)),
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
