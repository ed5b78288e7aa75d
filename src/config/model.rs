//! The typed configuration, and the configuration of the sessions that follows from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::archive::Archive;
use super::groups;
use super::page::Page;
use crate::enrich::LookupFiles;
use crate::kafka::session::{Delivery, MAX_OUTPUT_BATCH_BYTES, OnGap, SessionConfig, Start};
use crate::kafka::{BrokerKind, Cluster};
use crate::notify::Sink;
use crate::observe::log::LogFormat;
use crate::pipeline::OutputList;
use crate::privacy::Policies;
use crate::route::{NoisePolicy, Routes};
use crate::rules::{Overrides, RuleSource};

/// The configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Topics to read, sorted by name; at least one.
    pub sources: Vec<Source>,
    /// The cluster that everything is written to.
    pub destination: Cluster,
    /// Packs, files and directories of rules.
    pub rules: Vec<RuleSource>,
    /// The files in which values of events are looked up.
    pub lookups: LookupFiles,
    /// The file with the values of placeholders in rules, YAML.
    pub placeholders: Option<PathBuf>,
    /// Rules that are disabled or have another level.
    pub overrides: Overrides,
    /// What is written, and in which topics.
    pub outputs: OutputList,
    /// To which of them events are written.
    pub routes: Arc<Routes>,
    /// What becomes of routine events that no route has taken.
    pub noise: NoisePolicy,
    /// What outputs do not show.
    pub privacy: Policies,
    /// The topic with copies of the committed positions, in case the consumer group loses them.
    pub positions_topic: String,
    /// The topic with what people decide of alerts; used where there is a page.
    pub triage_topic: String,
    /// Whether `run` creates the output topics that are missing.
    pub create_topics: bool,
    /// How outputs and positions are committed.
    pub session: Session,
    /// The sinks that get alerts, sorted by name.
    pub sinks: Vec<Sink>,
    /// Where everything is archived; `None` if nowhere.
    pub archive: Option<Archive>,
    /// Where the page is served; `None` if nowhere.
    pub page: Option<Page>,
    /// Address of metrics and probes.
    pub listen: SocketAddr,
    /// Format and filter of the log.
    pub log: Log,
}

/// A topic to read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The user's name for it.
    pub name: String,
    /// Its cluster.
    pub cluster: Cluster,
    /// The topic.
    pub topic: String,
    /// What answers at the cluster's address.
    pub broker: BrokerKind,
    /// Where to start if there is no committed position.
    pub start: Start,
    /// What to do when records expired before they were read.
    pub on_gap: OnGap,
    /// Consumer group on the source cluster to which positions are copied, for lag dashboards.
    pub lag_group: LagGroup,
}

/// The consumer group on the source cluster to which positions are copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LagGroup {
    /// The name of the destination's group with `-lag` at the end.
    #[default]
    Own,
    /// A group of this name.
    Named(String),
    /// Positions are not copied.
    None,
}

/// What the sessions of all sources have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Exactly once, or at least once.
    pub delivery: Delivery,
    /// Consumer group on the destination.
    pub group: String,
    /// Number of this process among those of the group.
    pub ordinal: Option<u32>,
    /// Longest time between a record and its commit.
    pub commit_interval: Duration,
    /// Most records in a transaction.
    pub commit_records: usize,
    /// Most bytes in a transaction.
    pub commit_bytes: usize,
    /// The consumer group removes a silent member after this.
    pub session_timeout: Duration,
    /// The cluster aborts an abandoned transaction after this.
    pub transaction_timeout: Duration,
    /// Longest time from SIGTERM to the end.
    pub shutdown_budget: Duration,
}

/// Format and filter of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// One JSON object per line, or lines for people.
    pub format: LogFormat,
    /// In `tracing`'s filter syntax, such as `info` or `watchbell=debug,librdkafka=warn`.
    pub filter: String,
}

impl Config {
    /// The consumer group with which a sink reads the alerts topic.
    pub fn sink_group(&self, sink: &Sink) -> String {
        groups::sink_group(&self.session.group, &sink.name)
    }

    /// The session configuration of each source.
    pub fn sessions(&self, ordinal: u32) -> Vec<SessionConfig> {
        let common = &self.session;
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let session = |source: &Source| SessionConfig {
            source: source.cluster.clone(),
            destination: self.destination.clone(),
            source_name: source.name.clone(),
            source_topic: source.topic.clone(),
            broker: source.broker,
            group: common.group.clone(),
            positions_topic: self.positions_topic.clone(),
            lag_group: match &source.lag_group {
                LagGroup::Own => Some(groups::lag_group(&common.group)),
                LagGroup::Named(name) => Some(name.clone()),
                LagGroup::None => None,
            },
            ordinal,
            worker: 0,
            delivery: common.delivery,
            start: source.start,
            on_gap: source.on_gap,
            commit_interval_ms: ms(common.commit_interval),
            commit_records: common.commit_records,
            commit_bytes: common.commit_bytes,
            output_batch_bytes: MAX_OUTPUT_BATCH_BYTES,
            session_timeout_ms: ms(common.session_timeout),
            transaction_timeout_ms: ms(common.transaction_timeout),
            shutdown_budget_ms: ms(common.shutdown_budget),
        };
        self.sources.iter().map(session).collect()
    }
}
