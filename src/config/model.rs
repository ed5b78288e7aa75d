//! The typed configuration: everything a person can decide, and the sessions that follow from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::groups;
use crate::kafka::Cluster;
use crate::kafka::session::{Delivery, MAX_OUTPUT_BATCH_BYTES, OnGap, SessionConfig, Start};
use crate::notify::Sink;
use crate::observe::log::LogFormat;
use crate::pipeline::OutputList;
use crate::rules::{Overrides, RuleSource};

/// Everything a person can decide.
#[derive(Debug, Clone)]
pub struct Config {
    /// Topics to read, sorted by name; at least one.
    pub sources: Vec<Source>,
    /// The cluster that everything is written to.
    pub destination: Cluster,
    /// Where rules come from.
    pub rules: Vec<RuleSource>,
    /// The file of names, YAML or CSV.
    pub names: Option<PathBuf>,
    /// What is changed about rules without editing them.
    pub overrides: Overrides,
    /// What is written, and in which topics.
    pub outputs: OutputList,
    /// The topic in which positions are noted.
    pub positions_topic: String,
    /// Whether `run` creates the output topics that are missing.
    pub create_topics: bool,
    /// How outputs and positions are committed.
    pub session: Session,
    /// Who is told of alerts, sorted by name.
    pub sinks: Vec<Sink>,
    /// Metrics and probes listen here.
    pub listen: SocketAddr,
    /// How the log is written.
    pub log: Log,
}

/// A topic to read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The user's name for it.
    pub name: String,
    /// Where it is.
    pub cluster: Cluster,
    /// The topic.
    pub topic: String,
    /// Where to begin without a position.
    pub start: Start,
    /// What to do about records that expired unread.
    pub on_gap: OnGap,
    /// Group on the source cluster for its lag dashboards.
    pub lag_group: LagGroup,
}

/// Where positions are copied to on the source cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LagGroup {
    /// To a group that is called after the destination's, with `-lag` at the end.
    #[default]
    Own,
    /// To a group of this name.
    Named(String),
    /// Nowhere.
    None,
}

/// What every source's session has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Exactly once, or at least once.
    pub delivery: Delivery,
    /// Consumer group on the destination.
    pub group: String,
    /// Number of this process among its peers.
    pub ordinal: Option<u32>,
    /// Longest time between a record and its commit.
    pub commit_interval: Duration,
    /// Most records in a transaction.
    pub commit_records: usize,
    /// Most bytes in a transaction.
    pub commit_bytes: usize,
    /// The group forgets a silent member after this.
    pub session_timeout: Duration,
    /// The cluster aborts an abandoned transaction after this.
    pub transaction_timeout: Duration,
    /// From SIGTERM to the end.
    pub shutdown_budget: Duration,
}

/// How the log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line, or lines for people.
    pub format: LogFormat,
    /// `info`, `debug`, `watchbell=debug,librdkafka=warn`: `tracing`'s filter language.
    pub filter: String,
}

impl Config {
    /// The consumer group by which a sink reads the alerts.
    pub fn sink_group(&self, sink: &Sink) -> String {
        groups::sink_group(&self.session.group, &sink.name)
    }

    /// One session for each source.
    pub fn sessions(&self, ordinal: u32) -> Vec<SessionConfig> {
        let common = &self.session;
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let session = |source: &Source| SessionConfig {
            source: source.cluster.clone(),
            destination: self.destination.clone(),
            source_name: source.name.clone(),
            source_topic: source.topic.clone(),
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
