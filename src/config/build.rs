//! Builds the typed configuration from the merged layers, and checks what must hold between its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::model::{Config, LagGroup, Log, Session, Source};
use super::{archive, cluster, names, page, privacy, routes};
use crate::diagnostic::nearest;
use crate::enrich::LookupFiles;
use crate::kafka::session::{Delivery, OnGap, SessionConfig, Start};
use crate::kafka::{BrokerKind, Cluster};
use crate::notify;
use crate::observe::log::LogFormat;
use crate::pipeline::{Content, OutputList};
use crate::route::is_topic_name;
use crate::rules::{OverridePart, Overrides, RuleSource, pack, pack_names};
use crate::settings::{Fault, NO_PLACE, Section, file_and_mark};

pub(super) fn build(root: &Section<'_>, faults: &mut Vec<Fault>) -> Config {
    let sources = sources(&root.section("sources"), faults);
    let destination = cluster::cluster(&root.section("destination"), faults);
    let (mut outputs, positions_topic, triage_topic) = topics(&root.section("topics"), faults);
    if !root.section("archive").is_empty() {
        outputs = outputs.with_ledger(root.section("topics").required("ledger", faults));
    }
    let noise = routes::noise(root, faults);
    let (routes, outputs) = routes::routes(
        root,
        noise,
        outputs,
        (&positions_topic, &triage_topic),
        faults,
    );
    let session = session(root, faults);
    let mut sinks = notify::read(root, faults);
    let privacy = privacy::read(root, (&outputs, &routes), &mut sinks, faults);
    let page = page::read(root, &privacy, faults);
    let http = root.section("http");
    let geoip = root.section("geoip");
    let listen = http.parsed("listen", "an address such as 0.0.0.0:9464", faults);
    let config = Config {
        sources,
        destination,
        rules: rules(root, faults),
        lookups: LookupFiles {
            names: root.path("names"),
            networks: root.path("networks"),
            city: geoip.path("city"),
            asn: geoip.path("asn"),
        },
        placeholders: root.path("placeholders"),
        overrides: overrides(&root.section("overrides"), faults),
        outputs,
        routes,
        noise,
        privacy,
        positions_topic,
        triage_topic,
        create_topics: root.flag("create_topics", faults),
        session,
        sinks,
        archive: archive::read(root, faults),
        page,
        // Only used if there is a fault; then the configuration is refused.
        listen: listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
        log: log(&root.section("log"), faults),
    };
    check_sessions(root, &config, faults);
    names::check(root, &config, faults);
    config
}

fn overrides(section: &Section<'_>, faults: &mut Vec<Fault>) -> Overrides {
    let mut places = BTreeMap::new();
    for part in OverridePart::ALL {
        let written = match part {
            OverridePart::Disabled => section.places_of_words(part.as_str()),
            _ => section.section(part.as_str()).places(),
        };
        for (key, place) in written {
            let (file, mark) = file_and_mark(place);
            places.insert((part, key), (file.into(), mark));
        }
    }
    let of = |part: OverridePart| section.section(part.as_str());
    Overrides {
        disabled: section
            .words(OverridePart::Disabled.as_str())
            .into_iter()
            .collect(),
        levels: of(OverridePart::Levels).levels(faults),
        statuses: of(OverridePart::Statuses).statuses(faults),
        group_by: of(OverridePart::GroupBy).lists(),
        runbooks: of(OverridePart::Runbooks).texts(),
        places,
    }
}

fn sources(section: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<Source> {
    let names = section.names();
    if names.is_empty() {
        let message = "sources: at least one source is required";
        let fault = Fault::new(NO_PLACE, message).of_key("sources");
        faults.push(fault.remedy("write `sources: {confluent: {bootstrap: host:9092}}`"));
    }
    let source = |name: &str| {
        // The name becomes part of a topic's name and of transactional ids.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 200 || !name.chars().all(is_allowed) {
            let message =
                "a source's name is made of letters, digits, `.`, `_` and `-`, 200 at most";
            faults.push(section.fault(name, message));
        }
        let written = section.section(name);
        let cluster = cluster::cluster(&written, faults);
        let broker = broker(&written, &cluster, faults);
        Source {
            name: name.to_owned(),
            topic: topic(&written, broker, faults),
            broker,
            cluster,
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

/// What answers at the source's address: as configured, else by the host name.
fn broker(source: &Section<'_>, cluster: &Cluster, faults: &mut Vec<Fault>) -> BrokerKind {
    if !source.has("broker") {
        return BrokerKind::of(&cluster.bootstrap);
    }
    source.choice(
        "broker",
        &[("kafka", BrokerKind::Kafka), ("sls", BrokerKind::Sls)],
        faults,
    )
}

fn topic(source: &Section<'_>, broker: BrokerKind, faults: &mut Vec<Fault>) -> String {
    // The default is Confluent's topic; a Logstore has a name of its own.
    if broker == BrokerKind::Sls && source.is_default("topic") {
        let fault = source.fault("topic", "a value is required: the name of the Logstore");
        faults.push(fault.remedy("a trail `audit` is delivered to the Logstore actiontrail_audit"));
    }
    source.required("topic", faults)
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
            let fault = source.fault("start", format!("`{text}` is not a valid start"));
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
            let fault = root.fault("rules", format!("there is no pack `{name}`"));
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

/// The outputs, the topic in which positions are noted, and that of triage.
fn topics(section: &Section<'_>, faults: &mut Vec<Fault>) -> (OutputList, String, String) {
    let outputs = OutputList::new(|content| section.required(content.name(), faults));
    let positions = section.required("positions", faults);
    let triage = section.required("triage", faults);
    let keys = Content::ALL.map(Content::name).into_iter();
    for key in keys.chain(["positions", "routine", "ledger", "triage"]) {
        let name = section.text(key).unwrap_or_default();
        if !name.is_empty() && !is_topic_name(&name) {
            let fault = section.fault(key, format!("`{name}` is no name of a topic"));
            let remedy = "Kafka allows letters, digits, `.`, `_` and `-`, 249 at most";
            faults.push(fault.remedy(remedy));
        }
    }
    let mut distinct: BTreeSet<&str> = outputs.topics().into_iter().collect();
    let routine = section.required("routine", faults);
    let ledger = section.text("ledger").unwrap_or_default();
    distinct.extend([&*positions, &*routine, &*ledger, &*triage]);
    if distinct.len() <= outputs.iter().len() + 3 {
        let message = "topics: events, alerts, dead letters, routine events, the ledger, positions and triage each need a topic of their own";
        faults.push(Fault::new("configuration", message));
    }
    (outputs, positions, triage)
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
            "a whole number is expected, but the value is empty",
        );
        faults.push(fault.remedy(
            "if it is taken from the label apps.kubernetes.io/pod-index, the pod has no such label: run \
             watchbell as a StatefulSet in Kubernetes 1.28 or later, or give each replica a number of \
             its own",
        ));
        return None;
    }
    root.parsed("ordinal", "a whole number", faults)
}

fn log(section: &Section<'_>, faults: &mut Vec<Fault>) -> Log {
    let filter = section.required("filter", faults);
    if tracing_subscriber::EnvFilter::try_new(&filter).is_err() {
        let fault = section.fault("filter", "not a valid log filter");
        let remedy =
            "write a level such as info, or levels of parts: watchbell=debug,librdkafka=warn";
        faults.push(fault.remedy(remedy));
    }
    let formats = [("json", LogFormat::Json), ("pretty", LogFormat::Pretty)];
    Log {
        format: section.choice("format", &formats, faults),
        filter,
    }
}

/// Reports what the sessions would refuse, and a source that would read its own output.
fn check_sessions(root: &Section<'_>, config: &Config, faults: &mut Vec<Fault>) {
    let commit = root.section("commit");
    let is_read = |section: &Section<'_>, names: &[&str]| {
        !names.iter().any(|name| section.is_faulty(name, faults))
    };
    let is_read = is_read(root, &["session_timeout", "transaction_timeout"])
        && is_read(&commit, &["interval", "records", "bytes"]);
    if is_read && let Some(Err(error)) = config.sessions(0).first().map(SessionConfig::check) {
        faults.push(root.fault("transaction_timeout", error));
    }
    if BrokerKind::of(&config.destination.bootstrap) == BrokerKind::Sls {
        let message =
            "SLS has no transactions and keeps no positions: it cannot be the destination";
        let fault = root.section("destination").fault("bootstrap", message);
        faults.push(fault.remedy("name a Kafka cluster of your own"));
    }
    for source in &config.sources {
        let same_cluster = source.cluster.bootstrap == config.destination.bootstrap;
        let is_output = config.outputs.in_topic(&source.topic).is_some()
            || [&config.positions_topic, &config.triage_topic].contains(&&source.topic);
        if same_cluster && is_output {
            let section = root.section("sources").section(&source.name);
            faults.push(section.fault("topic", "the source would read its own output"));
        }
    }
}
