//! Every key of the configuration file: what it takes, what it is when nobody says, what it is for.
//! Invariant: a key that is not here is refused, from the file and from the environment alike.
//! The JSON Schema is written from the same table.

use crate::kafka::session::DEFAULT_POSITIONS_TOPIC;
use crate::notify;
use crate::settings::{Key, Preset, Shape, Takes, choice, count, duration, key, optional, text};

const BOOTSTRAP: Key = optional("bootstrap", Shape::Scalar)
    .about("Where the cluster is: host:port, several joined by commas.");
const API_KEY: Key = optional("api_key", Shape::Secret).about("API key, by environment only.");
const API_KEY_FILE: Key = optional("api_key_file", Shape::Scalar)
    .about("File that holds the API key; with it the login is SASL_SSL with PLAIN.");
const API_SECRET: Key =
    optional("api_secret", Shape::Secret).about("Secret of the API key, by environment only.");
const API_SECRET_FILE: Key =
    optional("api_secret_file", Shape::Scalar).about("File that holds the secret of the API key.");
const KAFKA: Key = optional("kafka", Shape::Properties)
    .about("Properties of librdkafka; of a secret the file is named, as in sasl.password_file.");

/// One source.
pub(super) const SOURCE: &[Key] = &[
    BOOTSTRAP,
    text("topic", "confluent-audit-log-events").about("The topic to read."),
    API_KEY,
    API_KEY_FILE,
    API_SECRET,
    API_SECRET_FILE,
    text("start", "earliest")
        .takes(Takes::Start)
        .about("Where to begin the first time: earliest, latest, or a time."),
    choice("on_gap", &["continue", "stop"])
        .about("What to do when records expired before they were read."),
    optional("lag_group", Shape::Scalar).about(
        "Group on the source cluster that gets copies of the positions, for its lag dashboards, or none; else the group's name and -lag."),
    KAFKA,
];

const DESTINATION: &[Key] = &[
    BOOTSTRAP,
    API_KEY,
    API_KEY_FILE,
    API_SECRET,
    API_SECRET_FILE,
    KAFKA,
];

const OVERRIDES: &[Key] = &[
    key("disabled", Shape::List, Preset::List(&[]))
        .about("Ids or tags of rules that are left out."),
    optional("levels", Shape::Levels).about("Another level for a rule, by its id or tag."),
];

const TOPICS: &[Key] = &[
    text("events", "watchbell.events").about("Topic of normalized events."),
    text("alerts", "watchbell.alerts").about("Topic of alerts; it has exactly one partition."),
    text("dead_letters", "watchbell.dead-letters").about("Topic of what could not be processed."),
    text("positions", DEFAULT_POSITIONS_TOPIC)
        .about("Topic that remembers the positions when the group is gone."),
];

const COMMIT: &[Key] = &[
    duration("interval", "100ms").about("Longest time between a record and its commit."),
    count("records", 10_000).about("Most records in a transaction."),
    count("bytes", 16 * 1024 * 1024).about("Most bytes of records in a transaction."),
];

const HTTP: &[Key] = &[text("listen", "0.0.0.0:9464")
    .takes(Takes::Address)
    .about("Address of metrics, probes and status.")];

const LOG: &[Key] = &[
    choice("format", &["json", "pretty"]).about("One JSON object a line, or lines for people."),
    text("filter", "info").about("What is logged, as in watchbell=debug,librdkafka=warn."),
];

/// The whole configuration.
pub(super) const ROOT: &[Key] = &[
    optional("sources", Shape::Named(|| SOURCE))
        .about("Topics to read, each under a name of its own."),
    optional("destination", Shape::Section(DESTINATION))
        .about("The cluster that everything is written to."),
    key("rules", Shape::List, Preset::List(&["pack:confluent"]))
        .about("Packs, files and directories of rules."),
    optional("names", Shape::Scalar).about("File of names, owners and teams, YAML or CSV."),
    optional("overrides", Shape::Section(OVERRIDES))
        .about("What is changed about rules without editing them."),
    optional("topics", Shape::Section(TOPICS)).about("Names of the output topics."),
    key("create_topics", Shape::Scalar, Preset::Flag(false))
        .takes(Takes::Flag)
        .about("Whether run creates the output topics that are missing."),
    choice("delivery", &["exactly_once", "at_least_once"])
        .about("Whether outputs and positions are committed in one transaction."),
    text("group", "watchbell").about("Consumer group on the destination."),
    optional("ordinal", Shape::Scalar)
        .takes(Takes::Count)
        .about("Number of this process among its peers; in Kubernetes that of the pod, from its label."),
    optional("commit", Shape::Section(COMMIT)).about("How much goes into one transaction."),
    duration("session_timeout", "45s").about("The group forgets a silent process after this."),
    duration("transaction_timeout", "10s")
        .about("The cluster aborts an abandoned transaction after this."),
    duration("shutdown_budget", "25s").about("Longest time from SIGTERM to the end."),
    optional("notify", Shape::Named(notify::keys))
        .about("Who is told of alerts, each under a name of its own."),
    duration("max_alert_age", "1h")
        .about("Alerts of records that are read later than this are told as one digest."),
    optional("http", Shape::Section(HTTP)).about("Metrics, probes and status."),
    optional("log", Shape::Section(LOG)).about("The log, on standard error."),
];
