//! `demo`: runs the whole pipeline on an embedded Kafka over the vendors' documented events and typical events,
//! and prints what it reads back from the output topics.

mod feed;
mod report;
mod serve;
mod terminal_page;
#[cfg(feature = "archive")]
mod web_page;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use jiff::Timestamp;

use self::feed::Feed;
use self::report::Outputs;
use self::serve::Addresses;
use self::terminal_page::{BOLD, DIM, Page};
use super::failure::Failure;
use super::say::report_panics;
use super::shipped::Shipped;
use crate::kafka::embedded::Embedded;
use crate::kafka::session::{self, Delivery, SessionConfig, SessionError, Shutdown};
use crate::observe::{Metrics, SourceObserver, SourceState};
use crate::pipeline::{self, Content, Names, Pipeline};
use crate::roles::ingest::Ingest;

const CONFLUENT: &str = "confluent-audit-log-events";

const ACTIONTRAIL: &str = "actiontrail_audit";

/// How many typical events follow the documented ones.
const TYPICAL: usize = 500;

/// Invented names for the identifiers in the events.
const NAMES: &str = include_str!("../../../config/names.demo.yaml");

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Keep running: write typical events at a steady pace, and serve the page, /metrics, /livez, /readyz and /status.
    #[arg(long)]
    serve: bool,
    #[command(flatten)]
    addresses: Addresses,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let shipped = Shipped::load()?;
    let names =
        Names::parse_yaml(NAMES, "config/names.demo.yaml").map_err(Failure::configuration)?;
    report_panics();
    let mut feed = Feed::new().context("read the typical events")?;
    let mut records = Feed::documented();
    let documented = records.len();
    records.push(Feed::truncated());
    records.extend(feed.typical(TYPICAL, Timestamp::now()));
    let confluent = (CONFLUENT, records);
    let actiontrail = (ACTIONTRAIL, Feed::actiontrail());

    let embedded = start(&shipped.outputs, [&confluent, &actiontrail])?;
    let metrics = Arc::new(Metrics::new().context("create the metrics")?);
    metrics.rules_in_force(shipped.rules.snapshot().rules().len());
    let shutdown = Shutdown::default();
    let started = Instant::now();
    let pipeline = shipped.pipeline(names.into());
    let sources = [confluent, actiontrail]
        .map(|(topic, records)| DemoSource::new(topic, records.len(), &embedded, &metrics));
    thread::scope(|scope| {
        let sessions = sources.each_ref().map(|source| {
            let (pipeline, shutdown) = (pipeline.clone(), &shutdown);
            scope.spawn(move || source.run(pipeline, shutdown))
        });
        let has_session_ended = || sessions.iter().any(|session| session.is_finished());
        let shown = until_committed(&sources, has_session_ended).and_then(|()| {
            let seconds = started.elapsed().as_secs_f64();
            let mut page = Page::new(anstream::stdout(), terminal_width());
            show(&mut page, &embedded, &shipped.outputs, documented, seconds)?;
            if !command.serve {
                return Ok(show_next(&mut page)?);
            }
            let serving = serve::Serving {
                embedded: &embedded,
                outputs: &shipped.outputs,
                source: CONFLUENT,
                feed,
                states: sources
                    .iter()
                    .map(|source| source.observer.state())
                    .collect(),
                metrics: metrics.clone(),
                rules: shipped.rules.clone(),
            };
            serving.until_stopped(&command.addresses, &mut page, has_session_ended)
        });
        shutdown.request();
        // If a session failed, its error is the cause.
        for session in sessions {
            match session.join() {
                Ok(ran) => ran.context("run the session")?,
                Err(_) => return Err(anyhow!("the session's thread panicked").into()),
            }
        }
        shown
    })
}

/// A source topic of the demo, with the progress of its session.
struct DemoSource {
    config: SessionConfig,
    records: usize,
    observer: SourceObserver,
}

impl DemoSource {
    fn new(topic: &str, records: usize, embedded: &Embedded, metrics: &Arc<Metrics>) -> DemoSource {
        let cluster = embedded.cluster();
        let mut config = SessionConfig::new(cluster.clone(), cluster, topic, topic);
        config.delivery = Delivery::AtLeastOnce;
        // Each source has its own group: in a shared group, the second member to join would cause a rebalance that
        // revokes the partition of the first one for a moment.
        config.group = format!("demo-{topic}");
        let state = Arc::new(SourceState::new(topic));
        DemoSource {
            config,
            records,
            observer: SourceObserver::new(state, metrics.clone()),
        }
    }

    fn run(&self, pipeline: Pipeline, shutdown: &Shutdown) -> Result<(), SessionError> {
        let mut worker = Ingest::new(pipeline, &self.config, &self.observer);
        session::run(&self.config, &mut worker, shutdown, &self.observer)
    }

    fn is_committed(&self) -> bool {
        self.observer.state().committed_records() >= self.records as u64
    }
}

/// Waits until the records of every source are committed.
fn until_committed(
    sources: &[DemoSource],
    has_session_ended: impl Fn() -> bool,
) -> Result<(), Failure> {
    while !sources.iter().all(DemoSource::is_committed) {
        if has_session_ended() {
            return Err(anyhow!("a session ended early").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Starts the embedded Kafka with all topics, and writes the records of the sources.
fn start(
    outputs: &pipeline::OutputList,
    sources: [&(&str, Vec<Vec<u8>>); 2],
) -> anyhow::Result<Embedded> {
    let embedded = Embedded::start().context("start the embedded Kafka")?;
    let mut topics = outputs.topics();
    topics.extend(sources.map(|(topic, _)| *topic));
    topics.push(session::DEFAULT_POSITIONS_TOPIC);
    for topic in topics {
        embedded.create_topic(topic, 1).context("create a topic")?;
    }
    for (topic, records) in sources {
        let values = records.iter().map(Vec::as_slice);
        embedded
            .produce(topic, 0, values)
            .context("write the records")?;
    }
    Ok(embedded)
}

/// Prints what the output topics contain.
fn show(
    page: &mut Page<impl Write>,
    embedded: &Embedded,
    outputs: &pipeline::OutputList,
    documented: usize,
    seconds: f64,
) -> Result<(), Failure> {
    let read = |content| {
        let topic = &outputs.of(content).topic;
        embedded.read(topic, 0).context("read the outputs")
    };
    let outputs = Outputs {
        events: read(Content::Events)?,
        alerts: read(Content::Alerts)?,
        dead_letters: read(Content::DeadLetters)?,
    };
    page.paragraph(
        BOLD,
        "watchbell demo: audit records through the whole pipeline, on a Kafka inside this process",
    )?;
    page.paragraph(
        DIM,
        "The events of the vendors' documentation come first; names (config/names.demo.yaml) and the \
         typical events that follow are invented.",
    )?;
    page.blank()?;
    Ok(report::write(page, &outputs, documented, seconds)?)
}

/// The width of the terminal in columns.
fn terminal_width() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(terminal_page::WIDTH, |(width, _)| width.0.into())
}

/// Prints which commands to try next.
fn show_next(page: &mut Page<impl Write>) -> io::Result<()> {
    let program = std::env::args().next().unwrap_or_default();
    let steps = [
        (
            "replay audit.ndjson.gz",
            "your own events through the same pipeline",
        ),
        (
            "demo --serve",
            "the demo keeps running and serves the page and metrics",
        ),
        (
            "run -c watchbell.yaml",
            "the daemon; README.md shows the smallest configuration",
        ),
        ("--help", "all commands and options"),
    ];
    page.heading("Next")?;
    for (command, what) in steps {
        page.line(&[(DIM, "  "), (BOLD, &format!("{program} {command}"))])?;
        page.labelled("", what)?;
    }
    page.flush()
}
