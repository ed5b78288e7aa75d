//! The configuration: defaults, then one YAML file, then `WATCHBELL__…` variables, typed.
//! Invariant: a configuration that loads has no unknown key, and none of its secrets is shown by
//! `Debug`, by `config print` or by a fault.

mod cluster;
mod json_schema;
mod layers;
mod load;
mod names;
mod print;
mod schema;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use crate::settings::{Fault, PREFIX};
pub use json_schema::json_schema;
pub use load::{Draft, Loaded, draft, from_parts, load};

use crate::diagnostic::nearest;
use crate::kafka::Cluster;
use crate::kafka::session::{Delivery, MAX_OUTPUT_BATCH_BYTES, OnGap, SessionConfig, Start};
use crate::notify::{self, Sink};
use crate::roles::notify::NotifyConfig;
use crate::rules::{Overrides, RuleSource, pack, pack_names};
use crate::settings::Section;

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
    /// Where outputs go.
    pub topics: Topics,
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

/// Names of the output topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Normalized events.
    pub events: String,
    /// Alerts.
    pub alerts: String,
    /// What could not be processed.
    pub dead_letters: String,
    /// Where positions are noted.
    pub positions: String,
}

impl Topics {
    /// Those that hold outputs.
    pub fn all(&self) -> [&str; 3] {
        [&self.events, &self.alerts, &self.dead_letters]
    }
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

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One object a line.
    #[default]
    Json,
    /// For people.
    Pretty,
}

fn build(root: &Section<'_>, faults: &mut Vec<Fault>) -> Config {
    let sources = sources(&root.section("sources"), faults);
    let destination = cluster::cluster(&root.section("destination"), faults);
    let overrides = root.section("overrides");
    let topics = topics(&root.section("topics"), faults);
    let session = session(root, faults);
    let sinks = notify::read(root, faults);
    let http = root.section("http");
    let listen = http.parsed("listen", "an address such as 0.0.0.0:9464", faults);
    let config = Config {
        sources,
        destination,
        rules: rules(root, faults),
        names: root.path("names"),
        overrides: Overrides {
            disabled: overrides.words("disabled").into_iter().collect(),
            levels: overrides.section("levels").levels(faults),
        },
        topics,
        create_topics: root.flag("create_topics", faults),
        session,
        sinks,
        // Without one there is a fault, and nobody listens.
        listen: listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
        log: log(&root.section("log"), faults),
    };
    check_sessions(root, &config, faults);
    names::check(root, &config, faults);
    config
}

fn sources(section: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<Source> {
    let names = section.names();
    if names.is_empty() {
        let fault = Fault::new("configuration", "sources: at least one source is needed");
        faults.push(fault.remedy("write `sources: {confluent: {bootstrap: host:9092}}`"));
    }
    let source = |name: &str| {
        // The name is part of a topic's name and of transactional ids.
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 200 || !name.chars().all(fits) {
            let message = "a source's name is made of letters, digits, `.`, `_` and `-`";
            faults.push(section.fault(name, message));
        }
        let written = section.section(name);
        Source {
            name: name.to_owned(),
            cluster: cluster::cluster(&written, faults),
            topic: written.required("topic", faults),
            start: start(&written, faults),
            on_gap: written.choice(
                "on_gap",
                &[("continue", OnGap::Continue), ("stop", OnGap::Stop)],
                faults,
            ),
            lag_group: lag_group(&written, faults),
        }
    };
    names.into_iter().map(source).collect()
}

fn start(source: &Section<'_>, faults: &mut Vec<Fault>) -> Start {
    let text = source.text("start").unwrap_or_default();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Start::Timestamp(time.as_millisecond());
    }
    match text.as_str() {
        "earliest" => Start::Earliest,
        "latest" => Start::Latest,
        _ => {
            let fault = source.fault("start", format!("`{text}` is not known"));
            faults.push(fault.remedy("write earliest, latest, or a time: 2026-11-21T00:00:00Z"));
            Start::default()
        }
    }
}

fn lag_group(source: &Section<'_>, faults: &mut Vec<Fault>) -> LagGroup {
    match source.text("lag_group").as_deref() {
        None => LagGroup::Own,
        Some("none") => LagGroup::None,
        Some("") => {
            let fault = source.fault("lag_group", "a group's name cannot be empty");
            faults.push(fault.remedy("write a name, or none"));
            LagGroup::None
        }
        Some(name) => LagGroup::Named(name.to_owned()),
    }
}

fn rules(root: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<RuleSource> {
    let mut sources = Vec::new();
    for word in root.words("rules") {
        let Ok(source) = word.parse::<RuleSource>();
        if let RuleSource::Pack(name) = &source
            && pack(name).is_none()
        {
            let known: Vec<&str> = pack_names().collect();
            let fault = root.fault("rules", format!("no pack is called `{name}`"));
            faults.push(match nearest(name, known.iter().copied()) {
                Some(near) => fault.remedy(format!("did you mean `pack:{near}`?")),
                None => fault.remedy(format!("the packs are: {}", known.join(", "))),
            });
            continue;
        }
        sources.push(source);
    }
    sources
}

fn topics(section: &Section<'_>, faults: &mut Vec<Fault>) -> Topics {
    let topics = Topics {
        events: section.required("events", faults),
        alerts: section.required("alerts", faults),
        dead_letters: section.required("dead_letters", faults),
        positions: section.required("positions", faults),
    };
    let mut distinct: BTreeSet<&str> = topics.all().into();
    distinct.insert(&topics.positions);
    if distinct.len() <= topics.all().len() {
        let message = "topics: events, alerts, dead letters and positions need a topic each";
        faults.push(Fault::new("configuration", message));
    }
    topics
}

fn session(root: &Section<'_>, faults: &mut Vec<Fault>) -> Session {
    let commit = root.section("commit");
    Session {
        delivery: root.choice(
            "delivery",
            &[
                ("exactly_once", Delivery::ExactlyOnce),
                ("at_least_once", Delivery::AtLeastOnce),
            ],
            faults,
        ),
        group: root.required("group", faults),
        ordinal: ordinal(root, faults),
        commit_interval: commit.duration("interval", faults),
        commit_records: commit.count("records", faults),
        commit_bytes: commit.count("bytes", faults),
        session_timeout: root.duration("session_timeout", faults),
        transaction_timeout: root.duration("transaction_timeout", faults),
        shutdown_budget: root.duration("shutdown_budget", faults),
    }
}

fn ordinal(root: &Section<'_>, faults: &mut Vec<Fault>) -> Option<u32> {
    if root.text("ordinal").is_some_and(|text| text.is_empty()) {
        let fault = root.fault(
            "ordinal",
            "a whole number is expected, and there is nothing",
        );
        faults.push(fault.remedy(
            "where it is the label apps.kubernetes.io/pod-index, the pod has none: run watchbell as \
             a StatefulSet in Kubernetes 1.28 or later, or give each replica a number of its own",
        ));
        return None;
    }
    root.parsed("ordinal", "a whole number", faults)
}

fn log(section: &Section<'_>, faults: &mut Vec<Fault>) -> Log {
    let filter = section.required("filter", faults);
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
        faults.push(section.fault("filter", format!("no log filter: {error}")));
    }
    let formats = [("json", LogFormat::Json), ("pretty", LogFormat::Pretty)];
    Log {
        format: section.choice("format", &formats, faults),
        filter,
    }
}

/// What the sessions would refuse, and a source that would read what it writes.
fn check_sessions(root: &Section<'_>, config: &Config, faults: &mut Vec<Fault>) {
    if let Some(Err(error)) = config.sessions(0).first().map(SessionConfig::check) {
        faults.push(root.fault("transaction_timeout", error));
    }
    for source in &config.sources {
        let same_cluster = source.cluster.bootstrap == config.destination.bootstrap;
        if same_cluster && config.topics.all().contains(&source.topic.as_str()) {
            let section = root.section("sources").section(&source.name);
            faults.push(section.fault("topic", "the source would read its own output"));
        }
    }
}

impl Config {
    /// Where a sink's alerts come from; its dead letters may be so large.
    pub fn notify(&self, sink: &Sink, max_dead_letter_bytes: usize) -> NotifyConfig {
        NotifyConfig {
            cluster: self.destination.clone(),
            alerts: self.topics.alerts.clone(),
            dead_letters: self.topics.dead_letters.as_str().into(),
            max_dead_letter_bytes,
            group: self.sink_group(sink),
        }
    }

    /// The consumer group by which a sink reads the alerts.
    pub fn sink_group(&self, sink: &Sink) -> String {
        names::sink_group(&self.session.group, &sink.name)
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
            positions_topic: self.topics.positions.clone(),
            lag_group: match &source.lag_group {
                LagGroup::Own => Some(names::lag_group(&common.group)),
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
