//! Every key of the configuration: its shape, its default value, and what it is for. The JSON Schema is
//! made from the same table.
//! Invariant: a key that is not listed here is refused, in the file and in environment variables.

use super::archive::ARCHIVE;
use super::page::PAGE;
use super::privacy::PRIVACY;
use super::routes::{NOISE, ROUTES};
use crate::kafka::session::DEFAULT_POSITIONS_TOPIC;
use crate::notify;
use crate::settings::{
    DefaultValue, Key, RuleValue, ScalarType, Shape, choice, count, duration, key, optional, text,
};

const BOOTSTRAP: Key = optional("bootstrap", Shape::Scalar)
    .about("Bootstrap servers of the cluster: host:port, several separated by commas.");
const API_KEY: Key =
    optional("api_key", Shape::Secret).about("API key; by environment variable only.");
const API_KEY_FILE: Key = optional("api_key_file", Shape::Scalar)
    .about("File that contains the API key; with a key the login is PLAIN over SASL_SSL.");
const API_SECRET: Key = optional("api_secret", Shape::Secret)
    .about("Secret of the API key; by environment variable only.");
const API_SECRET_FILE: Key = optional("api_secret_file", Shape::Scalar)
    .about("File that contains the secret of the API key.");
const KAFKA: Key = optional("kafka", Shape::Properties)
    .about("librdkafka properties; a secret is given by its file, as in sasl.password_file.");

/// One source.
pub(super) const SOURCE: &[Key] = &[
    BOOTSTRAP,
    text("topic", "confluent-audit-log-events")
        .about("The topic to read; of SLS the Logstore, which has no default."),
    optional("broker", Shape::Scalar)
        .scalar_type(ScalarType::Choice(&["kafka", "sls"]))
        .about("What answers at bootstrap: Kafka, or the Kafka endpoint of Alibaba Cloud's SLS, whose offsets jump; default: by its host name."),
    API_KEY,
    API_KEY_FILE,
    API_SECRET,
    API_SECRET_FILE,
    text("start", "earliest")
        .scalar_type(ScalarType::Start)
        .about("Where to start if there is no committed position: earliest, latest, or a time."),
    choice("on_gap", &["continue", "stop"])
        .about("What to do when records expired before they were read."),
    optional("lag_group", Shape::Scalar).about(
        "Consumer group on the source cluster to which positions are copied for lag dashboards, or none; default: the name of `group` with -lag."),
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
    key("disabled", Shape::List, DefaultValue::List(&[]))
        .about("Ids, tags or packs (pack:confluent) of rules that are disabled."),
    optional("levels", Shape::ByRule(RuleValue::Level))
        .about("Levels in place of the rules' own, by id, tag or pack."),
    optional("statuses", Shape::ByRule(RuleValue::Status)).about(
        "Statuses in place of the rules' own, by id, tag or pack; alerts of experimental rules are not sent to sinks.",
    ),
    optional("group_by", Shape::ByRule(RuleValue::Fields))
        .about("Fields whose values make alerts one group, in place of the rules' own, by id, tag or pack."),
    optional("runbooks", Shape::ByRule(RuleValue::Text))
        .about("Runbooks in place of the rules' own, by id, tag or pack."),
];

const TOPICS: &[Key] = &[
    text("events", "watchbell.events").about("Topic of normalized events."),
    text("alerts", "watchbell.alerts").about("Topic of alerts; it has exactly one partition."),
    text("dead_letters", "watchbell.dead-letters")
        .about("Topic of records that could not be processed."),
    text("ledger", "watchbell.ledger")
        .about("Topic for the ledger: what was read, as a chain of hashes; it is written where there is an archive."),
    text("routine", "watchbell.routine")
        .about("Topic of events that are noise, with a short retention; see `noise`."),
    text("positions", DEFAULT_POSITIONS_TOPIC)
        .about("Topic with copies of the positions, in case the consumer group loses them."),
    text("triage", "watchbell.triage")
        .about("Topic with what people decide of alerts on the page; compacted, with exactly one partition."),
];

const COMMIT: &[Key] = &[
    duration("interval", "100ms").about("Longest time between a record and its commit."),
    count("records", 10_000).about("Most records in a transaction."),
    count("bytes", 16 * 1024 * 1024).about("Most bytes of records in a transaction."),
];

const GEOIP: &[Key] = &[
    optional("city", Shape::Scalar).about("City or Country database, such as GeoLite2-City.mmdb."),
    optional("asn", Shape::Scalar).about("ASN database, such as GeoLite2-ASN.mmdb."),
];

const HTTP: &[Key] = &[text("listen", "0.0.0.0:9464")
    .scalar_type(ScalarType::Address)
    .about("Address of metrics, probes and status.")];

const LOG: &[Key] = &[
    choice("format", &["json", "pretty"]).about("One JSON object per line, or lines for people."),
    text("filter", "info").about("Which lines are logged, as in watchbell=debug,librdkafka=warn."),
];

/// The whole configuration.
pub(super) const ROOT: &[Key] = &[
    optional("sources", Shape::Named(|| SOURCE))
        .about("Topics to read, each under a name of its own."),
    optional("destination", Shape::Section(DESTINATION))
        .about("The cluster that everything is written to."),
    key("rules", Shape::List, DefaultValue::List(&["pack:confluent"]))
        .about("Packs, files and directories of rules."),
    optional("names", Shape::Scalar).about("File of names, owners and teams, YAML or CSV."),
    optional("networks", Shape::Scalar)
        .about("File of networks with their names, zones and owners, YAML or CSV."),
    optional("geoip", Shape::Section(GEOIP)).about("Databases of places and autonomous systems in MaxMind's format."),
    optional("placeholders", Shape::Scalar)
        .about("File of the values for placeholders in rules, YAML."),
    optional("overrides", Shape::Section(OVERRIDES))
        .about("Disables rules or changes their level, status, grouping or runbook without editing them."),
    optional("topics", Shape::Section(TOPICS)).about("Names of the output topics."),
    optional("routes", Shape::Structure(&ROUTES)).about(
        "List of routes: to which topic events are written, in which shape and with which key, or that they are dropped.",
    ),
    optional("noise", Shape::Scalar)
        .scalar_type(ScalarType::Choice(&NOISE))
        .about("What becomes of routine events that no route has taken: keep them in the events topic, write them to the routine topic, or drop them; default: routine if that topic exists, else keep."),
    optional("privacy", Shape::Section(PRIVACY)).about("What outputs do not show."),
    key("create_topics", Shape::Scalar, DefaultValue::Flag(false))
        .scalar_type(ScalarType::Flag)
        .about("Whether run creates the output topics that are missing."),
    choice("delivery", &["exactly_once", "at_least_once"])
        .about("Whether outputs and positions are committed in one transaction."),
    text("group", "watchbell").about("Consumer group on the destination."),
    optional("ordinal", Shape::Scalar)
        .scalar_type(ScalarType::Count)
        .about("Number of this process among those of its group, unique; in Kubernetes the number of the pod, from its label."),
    optional("commit", Shape::Section(COMMIT)).about("When a transaction is committed."),
    duration("session_timeout", "45s")
        .about("The consumer group removes a silent process after this."),
    duration("transaction_timeout", "10s")
        .about("The cluster aborts an abandoned transaction after this."),
    duration("shutdown_budget", "25s").about("Longest time from SIGTERM to the end."),
    optional("notify", Shape::Named(notify::keys))
        .about("Sinks that get alerts, each under a name of its own."),
    optional("archive", Shape::Section(ARCHIVE))
        .about("The archive: everything in the topics, as tables in a folder or a bucket."),
    optional("page", Shape::Section(PAGE)).about("The page, in which people look at events and alerts in a browser."),
    duration("max_alert_age", "1h")
        .about("Alerts of records that are read later than this are sent as one digest."),
    optional("http", Shape::Section(HTTP)).about("Metrics, probes and status."),
    optional("log", Shape::Section(LOG)).about("The log, on standard error."),
];
