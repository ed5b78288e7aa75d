//! Every key of the configuration file: what it takes, what it is when nobody says, what it is for.
//! Invariant: a key that is not here is refused, from the file and from the environment alike.
//! The JSON Schema is written from the same table.

use crate::kafka::session::DEFAULT_POSITIONS_TOPIC;

/// What each variable's name begins with; sections are joined by the same two underscores.
pub const PREFIX: &str = "WATCHBELL__";

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) default: Preset,
    /// The words that a [`Shape::Scalar`] takes.
    pub(super) takes: Takes,
    /// What it is for, in one sentence.
    pub(super) about: &'static str,
}

impl Key {
    const fn takes(self, takes: Takes) -> Key {
        Key { takes, ..self }
    }

    const fn about(self, about: &'static str) -> Key {
        Key { about, ..self }
    }
}

/// What a word, number or truth value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    Text,
    /// A whole number.
    Count,
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// `100ms`, `25s`, `1h`.
    Duration,
    /// `earliest`, `latest` or a time.
    Start,
    /// `address:port`.
    Address,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A section with these keys.
    Section(&'static [Key]),
    /// Sections with names of the user's own, each with these keys.
    Named(&'static [Key]),
    /// librdkafka's properties.
    Properties,
    /// Rule id or tag to level.
    Levels,
    /// A Sigma detection over alerts; not in the environment.
    Detection,
    /// A list of words; one word in the environment is split at commas.
    List,
    /// One word, number or truth value.
    Scalar,
    /// A word that stands in the environment or in the file named by `<key>_file`, nowhere else.
    Secret,
}

/// What a key is when nobody says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preset {
    Nothing,
    Text(&'static str),
    Count(u64),
    Flag(bool),
    List(&'static [&'static str]),
}

const fn key(name: &'static str, shape: Shape, default: Preset) -> Key {
    Key {
        name,
        shape,
        default,
        takes: Takes::Text,
        about: "",
    }
}

const fn text(name: &'static str, default: &'static str) -> Key {
    key(name, Shape::Scalar, Preset::Text(default))
}

const fn count(name: &'static str, default: u64) -> Key {
    key(name, Shape::Scalar, Preset::Count(default)).takes(Takes::Count)
}

const fn duration(name: &'static str, default: &'static str) -> Key {
    text(name, default).takes(Takes::Duration)
}

const fn choice(name: &'static str, choices: &'static [&'static str]) -> Key {
    key(name, Shape::Scalar, Preset::Text(choices[0])).takes(Takes::Choice(choices))
}

const fn optional(name: &'static str, shape: Shape) -> Key {
    key(name, shape, Preset::Nothing)
}

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

/// One sink. Which keys a sink takes depends on its type: `notify` refuses the others.
pub(super) const SINK: &[Key] = &[
    optional("type", Shape::Scalar)
        .takes(Takes::Choice(&[
            "alertmanager",
            "email",
            "pagerduty",
            "slack",
            "teams",
            "webhook",
        ]))
        .about("What it is."),
    choice(
        "min_level",
        &["low", "informational", "medium", "high", "critical"],
    )
    .about("No alert below this level."),
    optional("detection", Shape::Detection)
        .about("Only alerts that this matches, in the language of rules."),
    optional("urls", Shape::List).about("Addresses of all peers of an Alertmanager."),
    optional("url", Shape::Scalar).about("Address of a webhook, or of a vendor's API elsewhere."),
    optional("webhook_url", Shape::Secret).about("Address of a Slack or Teams webhook."),
    optional("webhook_url_file", Shape::Scalar).about("File that holds webhook_url."),
    optional("routing_key", Shape::Secret).about("Key of a PagerDuty integration."),
    optional("routing_key_file", Shape::Scalar).about("File that holds routing_key."),
    optional("region", Shape::Scalar)
        .takes(Takes::Choice(&["us", "eu"]))
        .about("PagerDuty's service region; us if nobody says."),
    optional("token", Shape::Secret).about("Token of a Slack bot, or a bearer token."),
    optional("token_file", Shape::Scalar).about("File that holds token."),
    optional("channel", Shape::Scalar).about("Channel that a Slack bot writes to."),
    optional("secret", Shape::Secret).about("Signs what a webhook is sent."),
    optional("secret_file", Shape::Scalar).about("File that holds secret."),
    optional("server", Shape::Scalar).about("Mail server: its name, or name:port."),
    optional("encryption", Shape::Scalar)
        .takes(Takes::Choice(&["starttls", "tls", "none"]))
        .about("How the connection to the mail server is protected; starttls if nobody says."),
    optional("user", Shape::Scalar).about("Who logs in to the mail server."),
    optional("password", Shape::Secret).about("Password of the mail server's user."),
    optional("password_file", Shape::Scalar).about("File that holds password."),
    optional("from", Shape::Scalar).about("Sender of mail."),
    optional("to", Shape::List).about("Who gets mail."),
    optional("hold", Shape::Scalar)
        .takes(Takes::Duration)
        .about(
            "How long an alert stands in Alertmanager without being repeated; 10m if nobody says.",
        ),
    optional("ca_file", Shape::Scalar)
        .about("Certificates of authorities to trust besides the system's, PEM."),
    optional("title_template", Shape::Scalar).about("File with a template of the title."),
    optional("text_template", Shape::Scalar).about("File with a template of the text."),
    duration("digest_interval", "5m").about("How long repeats of a group are gathered."),
    optional("max_waiting", Shape::Scalar)
        .takes(Takes::Count)
        .about("More groups than this waiting become one digest; 20 for people if nobody says."),
    optional("rate_per_minute", Shape::Scalar)
        .takes(Takes::Count)
        .about("Most requests a minute; else what the vendor allows."),
    duration("timeout", "10s").about("Longest wait for an answer."),
    duration("max_age", "6h")
        .about("An alert that could not be delivered for this long becomes a dead letter."),
    key("replayed", Shape::Scalar, Preset::Flag(false))
        .takes(Takes::Flag)
        .about("Whether alerts that a replay wrote are told, too."),
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
    optional("sources", Shape::Named(SOURCE))
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
    optional("notify", Shape::Named(SINK))
        .about("Who is told of alerts, each under a name of its own."),
    duration("max_alert_age", "1h")
        .about("Alerts of records that are read later than this are told as one digest."),
    optional("http", Shape::Section(HTTP)).about("Metrics, probes and status."),
    optional("log", Shape::Section(LOG)).about("The log, on standard error."),
];
