//! Every key of the configuration file, what it takes and what it is when nobody says.
//! Invariant: a key that is not here is refused, from the file and from the environment alike.

use crate::kafka::session::DEFAULT_POSITIONS_TOPIC;

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) default: Preset,
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
    }
}

const fn text(name: &'static str, default: &'static str) -> Key {
    key(name, Shape::Scalar, Preset::Text(default))
}

const fn count(name: &'static str, default: u64) -> Key {
    key(name, Shape::Scalar, Preset::Count(default))
}

const fn optional(name: &'static str, shape: Shape) -> Key {
    key(name, shape, Preset::Nothing)
}

const BOOTSTRAP: Key = optional("bootstrap", Shape::Scalar);
const API_KEY: Key = optional("api_key", Shape::Secret);
const API_KEY_FILE: Key = optional("api_key_file", Shape::Scalar);
const API_SECRET: Key = optional("api_secret", Shape::Secret);
const API_SECRET_FILE: Key = optional("api_secret_file", Shape::Scalar);
const KAFKA: Key = optional("kafka", Shape::Properties);

/// One source.
pub(super) const SOURCE: &[Key] = &[
    BOOTSTRAP,
    text("topic", "confluent-audit-log-events"),
    API_KEY,
    API_KEY_FILE,
    API_SECRET,
    API_SECRET_FILE,
    text("start", "earliest"),
    text("on_gap", "continue"),
    optional("lag_group", Shape::Scalar),
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
    optional("type", Shape::Scalar),
    text("min_level", "low"),
    optional("detection", Shape::Detection),
    optional("urls", Shape::List),
    optional("url", Shape::Scalar),
    optional("webhook_url", Shape::Secret),
    optional("webhook_url_file", Shape::Scalar),
    optional("routing_key", Shape::Secret),
    optional("routing_key_file", Shape::Scalar),
    optional("region", Shape::Scalar),
    optional("token", Shape::Secret),
    optional("token_file", Shape::Scalar),
    optional("channel", Shape::Scalar),
    optional("secret", Shape::Secret),
    optional("secret_file", Shape::Scalar),
    optional("hold", Shape::Scalar),
    optional("ca_file", Shape::Scalar),
    optional("title_template", Shape::Scalar),
    optional("text_template", Shape::Scalar),
    text("digest_interval", "5m"),
    optional("max_waiting", Shape::Scalar),
    optional("rate_per_minute", Shape::Scalar),
    text("timeout", "10s"),
    text("max_age", "6h"),
    key("replayed", Shape::Scalar, Preset::Flag(false)),
];

const OVERRIDES: &[Key] = &[
    key("disabled", Shape::List, Preset::List(&[])),
    optional("levels", Shape::Levels),
];

const TOPICS: &[Key] = &[
    text("events", "watchbell.events"),
    text("alerts", "watchbell.alerts"),
    text("dead_letters", "watchbell.dead-letters"),
    text("positions", DEFAULT_POSITIONS_TOPIC),
];

const COMMIT: &[Key] = &[
    text("interval", "100ms"),
    count("records", 10_000),
    count("bytes", 16 * 1024 * 1024),
];

const HTTP: &[Key] = &[text("listen", "0.0.0.0:9464")];

const LOG: &[Key] = &[text("format", "json"), text("filter", "info")];

/// The whole configuration.
pub(super) const ROOT: &[Key] = &[
    optional("sources", Shape::Named(SOURCE)),
    optional("destination", Shape::Section(DESTINATION)),
    key("rules", Shape::List, Preset::List(&["pack:confluent"])),
    optional("names", Shape::Scalar),
    optional("overrides", Shape::Section(OVERRIDES)),
    optional("topics", Shape::Section(TOPICS)),
    key("create_topics", Shape::Scalar, Preset::Flag(false)),
    text("delivery", "exactly_once"),
    text("group", "watchbell"),
    optional("ordinal", Shape::Scalar),
    optional("commit", Shape::Section(COMMIT)),
    text("session_timeout", "45s"),
    text("transaction_timeout", "10s"),
    text("shutdown_budget", "25s"),
    optional("notify", Shape::Named(SINK)),
    text("max_alert_age", "1h"),
    optional("http", Shape::Section(HTTP)),
    optional("log", Shape::Section(LOG)),
];
