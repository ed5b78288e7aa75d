//! `demo`: runs the whole pipeline on an embedded Kafka over the vendor's documented events and typical ones,
//! and prints what it reads back from the output topics.

mod feed;
mod page;
mod report;
mod serve;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use jiff::Timestamp;

use self::feed::Feed;
use self::page::{BOLD, DIM, Page};
use self::report::Outputs;
use super::failure::Failure;
use super::say::say_panics;
use super::shipped::Shipped;
use crate::kafka::embedded::Embedded;
use crate::kafka::session::{self, Delivery, SessionConfig, Shutdown};
use crate::observe::{Metrics, SourceObserver, SourceState};
use crate::pipeline::{self, Content, Names};
use crate::roles::ingest::Ingest;

const SOURCE: &str = "confluent-audit-log-events";

/// How many typical events follow the documented ones.
const TYPICAL: usize = 500;

const NAMES: &str = include_str!("../../../config/names.demo.yaml");

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Keep running: write typical events at a steady pace, and serve /metrics, /livez, /readyz and /status.
    #[arg(long)]
    serve: bool,
    /// The address to serve on; port 0 selects a free port.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9464",
        requires = "serve"
    )]
    listen: SocketAddr,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let shipped = Shipped::load()?;
    let names =
        Names::parse_yaml(NAMES, "config/names.demo.yaml").map_err(Failure::configuration)?;
    say_panics();
    let mut feed = Feed::new().context("read the typical events")?;
    let mut records = Feed::documented();
    let documented = records.len();
    records.push(Feed::cut_off());
    records.extend(feed.typical(TYPICAL, Timestamp::now()));

    let embedded = start(&shipped.outputs, &records)?;
    let cluster = embedded.cluster();
    let mut config = SessionConfig::new(cluster.clone(), cluster, "demo", SOURCE);
    config.delivery = Delivery::AtLeastOnce;
    let metrics = Arc::new(Metrics::new().context("make the metrics")?);
    metrics.rules_in_force(shipped.rules.snapshot().rules().len());
    let observer = SourceObserver::new(Arc::new(SourceState::new("demo")), metrics.clone());
    let shutdown = Shutdown::default();
    let mut worker = Ingest::new(shipped.pipeline(names), &config, &observer);
    let started = Instant::now();
    thread::scope(|scope| {
        let (config, shutdown, observer) = (&config, &shutdown, &observer);
        let session = scope.spawn(move || session::run(config, &mut worker, shutdown, observer));
        let shown =
            until_committed(observer, records.len(), || session.is_finished()).and_then(|()| {
                let seconds = started.elapsed().as_secs_f64();
                let mut page = Page::new(anstream::stdout(), columns());
                show(&mut page, &embedded, &shipped.outputs, documented, seconds)?;
                if !command.serve {
                    return Ok(show_next(&mut page)?);
                }
                let serving = serve::Serving {
                    embedded: &embedded,
                    outputs: &shipped.outputs,
                    source: SOURCE,
                    feed,
                    observer,
                    metrics,
                    rules: shipped.rules.clone(),
                };
                serving.until_asked_to_stop(command.listen, &mut page, || session.is_finished())
            });
        shutdown.request();
        // If both failed, the session's error is the cause.
        match session.join() {
            Ok(ran) => ran.context("run the session")?,
            Err(_) => return Err(anyhow!("the session's thread panicked").into()),
        }
        shown
    })
}

/// Waits until so many records are committed.
fn until_committed(
    observer: &SourceObserver,
    records: usize,
    is_over: impl Fn() -> bool,
) -> Result<(), Failure> {
    let state = observer.state();
    while state.committed_records() < records as u64 {
        if is_over() {
            return Err(anyhow!("the session ended early").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn start(outputs: &pipeline::OutputList, records: &[Vec<u8>]) -> anyhow::Result<Embedded> {
    let embedded = Embedded::start().context("start the embedded Kafka")?;
    let mut topics = outputs.topics();
    topics.extend([SOURCE, session::DEFAULT_POSITIONS_TOPIC]);
    for topic in topics {
        embedded.create_topic(topic, 1).context("create a topic")?;
    }
    let values = records.iter().map(Vec::as_slice);
    embedded
        .produce(SOURCE, 0, values)
        .context("write the records")?;
    Ok(embedded)
}

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
        "The events of Confluent's documentation come first; names (config/names.demo.yaml) and the \
         routine that follows are made up.",
    )?;
    page.blank()?;
    Ok(report::write(page, &outputs, documented, seconds)?)
}

/// The width of the terminal.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(page::WIDTH, |(width, _)| width.0.into())
}

fn show_next(page: &mut Page<impl Write>) -> io::Result<()> {
    let program = std::env::args().next().unwrap_or_default();
    let steps = [
        (
            "replay audit.ndjson.gz",
            "events of your own, through the same pipeline",
        ),
        ("demo --serve", "keeps running, with metrics to scrape"),
        (
            "run -c watchbell.yaml",
            "the daemon: README.md has the smallest configuration",
        ),
        ("--help", "everything else"),
    ];
    page.heading("Next")?;
    for (command, what) in steps {
        page.line(&[(DIM, "  "), (BOLD, &format!("{program} {command}"))])?;
        page.labelled("", what)?;
    }
    page.flush()
}
