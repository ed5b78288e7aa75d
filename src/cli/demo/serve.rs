//! `demo --serve`: writes typical events at a steady rate and serves probes and metrics, until SIGINT or SIGTERM.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{HumanCount, ProgressBar};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::feed::Feed;
use super::terminal_page::{BOLD, DIM, Page};
#[cfg(feature = "archive")]
use super::web_page::WebPage;
use crate::cli::failure::Failure;
use crate::cli::signals::StopSignals;
use crate::kafka::embedded::Embedded;
use crate::observe::http::{self, Pages};
use crate::observe::{Health, Metrics, SourceState, descriptors};
use crate::pipeline::{Content, OutputList, Path};
use crate::rules::CurrentRules;

/// The pause between two batches of events.
const PAUSE: Duration = Duration::from_millis(500);

/// The number of events in a batch.
const BATCH_EVENTS: usize = 10;

/// Where it serves.
#[derive(Debug, Args)]
pub(super) struct Addresses {
    /// The address to serve on; port 0 selects a free port.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9464",
        requires = "serve"
    )]
    listen: SocketAddr,
    /// The loopback address of the page; port 0 selects a free port.
    #[cfg(feature = "archive")]
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9465",
        requires = "serve"
    )]
    page: SocketAddr,
}

/// What the demo needs while it serves.
pub(super) struct Serving<'d> {
    pub(super) embedded: &'d Embedded,
    pub(super) outputs: &'d OutputList,
    pub(super) source: &'d str,
    pub(super) feed: Feed,
    pub(super) states: Vec<Arc<SourceState>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) rules: Arc<CurrentRules<Path>>,
}

impl Serving<'_> {
    /// Serves, and writes to the source topic, until a signal arrives or a session has ended.
    pub(super) fn until_stopped(
        mut self,
        addresses: &Addresses,
        page: &mut Page<impl Write>,
        has_session_ended: impl Fn() -> bool,
    ) -> Result<(), Failure> {
        descriptors::raise_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("start the runtime")?;
        let pages = Pages {
            health: Health::new(self.states.clone()),
            metrics: self.metrics.clone(),
            rules: self.rules.clone(),
        };
        let stop = stop_signal(&runtime)?;
        let listen = addresses.listen;
        let listener =
            http::bind(listen, http::SERVED).with_context(|| format!("listen on {listen}"))?;
        let at = listener.local_addr().context("get the port")?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("listen")?
        };
        // It is served until the runtime is dropped, at the end of this function.
        runtime.spawn(http::serve(listener, pages, std::future::pending()));
        #[cfg(feature = "archive")]
        let served = WebPage::start(
            self.embedded,
            addresses.page,
            (&self.metrics, runtime.handle()),
        )?;
        #[cfg(feature = "archive")]
        let web_page = Some(served.at());
        #[cfg(not(feature = "archive"))]
        let web_page = None;
        self.announce(page, at, web_page)?;
        let bar = ProgressBar::new_spinner();
        while !has_session_ended() {
            match stop.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
            let values = self.feed.typical(BATCH_EVENTS, Timestamp::now());
            let values = values.iter().map(Vec::as_slice);
            self.embedded
                .produce(self.source, 0, values)
                .context("write the records")?;
            bar.set_message(self.counts()?);
            bar.tick();
        }
        bar.finish_and_clear();
        let counts = self.counts()?;
        page.line(&[(DIM, "  ended with "), (DIM, &counts)])?;
        Ok(page.flush()?)
    }

    /// Says what is served at `at`, and where the page is, if the build has one.
    fn announce(
        &self,
        page: &mut Page<impl Write>,
        at: SocketAddr,
        web_page: Option<SocketAddr>,
    ) -> Result<(), Failure> {
        let per_second = BATCH_EVENTS as u128 * 1000 / PAUSE.as_millis();
        page.heading("Serving until Ctrl-C")?;
        match web_page {
            Some(at) => page.line(&[
                (BOLD, &format!("  http://{at}/")),
                (DIM, "  the page: open it in a browser"),
            ])?,
            None => page.paragraph(
                DIM,
                "  A build with `--features archive` also serves the page.",
            )?,
        }
        for path in ["metrics", "livez", "readyz", "status"] {
            page.line(&[(BOLD, &format!("  http://{at}/{path}"))])?;
        }
        let bootstrap = self.embedded.cluster().bootstrap;
        page.blank()?;
        page.labelled("feed", &format!("{per_second} typical events a second"))?;
        page.labelled(
            "Kafka",
            &format!(
                "{bootstrap}, for your own clients; the output topics are {}",
                self.outputs.topics().join(", ")
            ),
        )?;
        page.blank()?;
        Ok(page.flush()?)
    }

    fn counts(&self) -> anyhow::Result<String> {
        let count = |content| {
            let topic = &self.outputs.of(content).topic;
            let end = self.embedded.end(topic, 0).context("read the end offset")?;
            Ok::<_, anyhow::Error>(HumanCount(u64::try_from(end).unwrap_or(0)))
        };
        let (events, alerts) = (count(Content::Events)?, count(Content::Alerts)?);
        let dead_letters = count(Content::DeadLetters)?;
        Ok(format!(
            "{events} events, {alerts} alerts, {dead_letters} dead letters"
        ))
    }
}

/// A receiver that gets a value once SIGINT or SIGTERM arrives.
fn stop_signal(runtime: &Runtime) -> anyhow::Result<Receiver<()>> {
    let mut signals = StopSignals::listen(runtime)?;
    let (sender, receiver) = channel();
    runtime.spawn(async move {
        signals.received().await;
        // The receiver may be gone if the demo has ended by itself.
        let _ = sender.send(());
    });
    Ok(receiver)
}
