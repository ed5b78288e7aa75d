//! The page of the demo, over the topics of the embedded Kafka: there is no archive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use tokio::runtime::Handle;

use crate::cli::failure::Failure;
use crate::config::{self, Config};
use crate::kafka::embedded::Embedded;
use crate::kafka::session::Shutdown;
use crate::observe::Metrics;
use crate::roles::page::Page;
use crate::roles::rulebook::Rulebook;
use crate::roles::supervise::{self, Pauses};
use crate::rules::pack_names;

/// A page that is served until it is dropped.
pub(super) struct WebPage {
    at: SocketAddr,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl WebPage {
    /// Serves the page on `listen`, a loopback address. `handle` runs the requests to storages.
    pub(super) fn start(
        embedded: &Embedded,
        listen: SocketAddr,
        (metrics, handle): (&Arc<Metrics>, &Handle),
    ) -> Result<WebPage, Failure> {
        let config = configuration(&embedded.cluster().bootstrap, listen)?;
        // What people decide of alerts.
        embedded
            .create_topic(&config.triage_topic, 1)
            .context("create a topic")?;
        let rulebook = Rulebook::load(&config).map_err(Failure::configuration)?;
        let page = Page::new(&config, &rulebook, metrics).map_err(|(at, error)| {
            anyhow!("listen on {at}: {error}; --page takes another address")
        })?;
        // The embedded cluster does not describe topics.
        let page = page.context("the demo has a page")?;
        let page = page.with_outputs_as_configured();
        let at = page.address().context("get the port")?;
        let shutdown = Shutdown::default();
        let (asked, metrics, handle) = (shutdown.clone(), metrics.clone(), handle.clone());
        let run = move || {
            let parts = page.parts(&handle, &asked);
            let parts: Vec<_> = parts.iter().map(|part| &**part).collect();
            supervise::run(&parts, Pauses::default(), &asked, &metrics);
        };
        let thread = thread::Builder::new().name("page".into()).spawn(run);
        Ok(WebPage {
            at,
            shutdown,
            thread: Some(thread.context("start a thread")?),
        })
    }

    /// Where it is served.
    pub(super) fn at(&self) -> SocketAddr {
        self.at
    }
}

impl Drop for WebPage {
    fn drop(&mut self) {
        self.shutdown.request();
        // A panic of the thread has been reported.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A configuration with a page at this address, for the cluster of the demo.
fn configuration(bootstrap: &str, listen: SocketAddr) -> Result<Config, Failure> {
    let packs: Vec<String> = pack_names().map(|name| format!("pack:{name}")).collect();
    let text = format!(
        "sources: {{demo: {{bootstrap: \"{bootstrap}\"}}}}\n\
         destination: {{bootstrap: \"{bootstrap}\"}}\n\
         rules: [\"{}\"]\n\
         page: {{listen: \"{listen}\"}}\n",
        packs.join("\", \"")
    );
    let loaded = config::from_parts(Some(("the demo", &text)), &[]);
    let mut config = loaded.map_err(Failure::configuration)?.config;
    // The demo reads its sources itself, each in a group of its own.
    config.sources.clear();
    Ok(config)
}
