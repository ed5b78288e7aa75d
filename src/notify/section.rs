//! The configuration section `notify`: which sinks get alerts, and how. The keys that only one kind of
//! sink accepts are read by that kind's own file.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::pace::Rate;
use super::queue::Pacing;
use super::route::Route;
use super::sink::Sink;
use super::sinks::{self, KINDS, SinkKind};
use super::template::{Template, TemplateError};
use crate::diagnostic::{Mark, Problem};
use crate::settings::{
    DefaultValue, Fault, Key, ScalarType, Section, Shape, Structure, choice, duration, key,
    optional, place,
};
use crate::sigma::{self, Detection, Level, Placeholders};
use crate::yaml::{self, Node};

/// The common keys of every sink that are listed before the keys of its kind. `kinds` are the allowed
/// values of `type`.
fn first_keys(kinds: &'static [&'static str]) -> [Key; 3] {
    [
        optional("type", Shape::Scalar)
            .scalar_type(ScalarType::Choice(kinds))
            .about("Kind of sink."),
        choice(
            "min_level",
            &["low", "informational", "medium", "high", "critical"],
        )
        .about("Lowest level of the alerts that it gets."),
        optional("detection", Shape::Structure(&DETECTION))
            .about("Only alerts that match this Sigma detection."),
    ]
}

/// The common keys of every sink that are listed after the keys of its kind.
const LAST_KEYS: &[Key] = &[
    optional("ca_file", Shape::Scalar)
        .about("PEM file of CA certificates to trust in addition to the system's."),
    optional("title_template", Shape::Scalar).about("File with the template of the title."),
    optional("text_template", Shape::Scalar).about("File with the template of the text."),
    duration("digest_interval", "5m")
        .about("How long repeats of a group are gathered into one digest."),
    optional("max_waiting", Shape::Scalar)
        .scalar_type(ScalarType::Count)
        .about(
            "If more groups than this wait, the rest become one digest; default 20 for sinks that \
             people read, no limit for others.",
        ),
    optional("rate_per_minute", Shape::Scalar)
        .scalar_type(ScalarType::Count)
        .about("Maximum requests a minute; default: what the vendor allows."),
    duration("timeout", "10s").about("Timeout of a request."),
    duration("max_age", "6h")
        .about("An alert that could not be delivered for this long becomes a dead letter."),
    key("replayed", Shape::Scalar, DefaultValue::Flag(false))
        .scalar_type(ScalarType::Flag)
        .about("Whether alerts that replay wrote are sent, too."),
];

static KIND_NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| KINDS.iter().map(|kind| kind.name).collect());

/// The keys of every kind of sink: which of them a sink accepts depends on its type.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = first_keys(&KIND_NAMES).to_vec();
    keys.extend(sinks::keys());
    keys.extend(LAST_KEYS);
    keys
});

/// Every key that some kind of sink accepts.
pub(crate) fn keys() -> &'static [Key] {
    &KEYS
}

/// Default of `max_waiting` for sinks that people read.
const MAX_WAITING: usize = 20;

/// A detection over alerts.
const DETECTION: Structure = Structure {
    check: check_detection,
    schema: || serde_json::json!({"type": "object", "required": ["condition"]}),
};

/// What is wrong with a detection over alerts, each problem with its line and column.
fn check_detection(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let placeholders = Placeholders::unsupported(
        "placeholders are not supported in the detection of a sink",
        "write the values here without `expand`; rules can have placeholders",
    );
    if let Some(detection) = sigma::detection_with(node, &placeholders, &mut problems)
        && let Err(unknown) = Route::compile(&detection)
    {
        problems.extend(unknown);
    }
    problems
}

/// Every sink, sorted by name.
pub(crate) fn read(root: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<Sink> {
    let section = root.section("notify");
    let max_alert_age = root.duration("max_alert_age", faults);
    let names = section.names().into_iter();
    names
        .filter_map(|name| {
            // The name becomes part of a consumer group id.
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.len() > 100 || !name.chars().all(is_allowed) {
                let message =
                    "a sink's name is made of letters, digits, `.`, `_` and `-`, 100 at most";
                faults.push(section.fault(name, message));
            }
            sink(name, &section.section(name), max_alert_age, faults)
        })
        .collect()
}

fn sink(
    name: &str,
    section: &Section<'_>,
    max_alert_age: Duration,
    faults: &mut Vec<Fault>,
) -> Option<Sink> {
    let kind = kind(section, faults)?;
    refuse_keys_of_other_kinds(kind, section, faults);
    let endpoint = (kind.read)(section, faults);
    let level = section.text("min_level").unwrap_or_default();
    let min_level = Level::parse(&level);
    if min_level.is_none() {
        let fault = section.fault("min_level", format!("`{level}` is not a level"));
        faults.push(fault.one_of(&level, &Level::ALL.map(Level::as_str)));
    }
    let route = Route {
        min_level: min_level?,
        detection: detection(section).and_then(|d| Route::compile(&d).ok()),
        max_alert_age_ms: ms(max_alert_age),
        replayed: section.flag("replayed", faults),
    };
    let per_minute: Option<u32> =
        section.parsed("rate_per_minute", "a whole number of requests", faults);
    if per_minute == Some(0) {
        let fault = section.fault("rate_per_minute", "with 0, nothing would ever be sent");
        faults.push(fault.remedy("leave it out, or write how many requests a minute are allowed"));
    }
    let max_waiting = section.parsed("max_waiting", "a whole number of groups", faults);
    let timeout = section.duration("timeout", faults);
    if timeout.is_zero() && !section.is_faulty("timeout", faults) {
        faults.push(section.fault("timeout", "with 0, every request would time out"));
    }
    Some(Sink {
        name: name.to_owned(),
        endpoint: endpoint?,
        route: Arc::new(route),
        pacing: Pacing {
            digest_interval_ms: ms(section.duration("digest_interval", faults)),
            max_waiting: max_waiting.or(kind.is_read_by_people.then_some(MAX_WAITING)),
            max_age_ms: ms(section.duration("max_age", faults)),
        },
        rate: match per_minute {
            None => kind.rate,
            Some(_) => Rate {
                per_minute,
                burst: 1,
            },
        },
        timeout,
        ca: section.file("ca_file", faults).map(String::into_bytes),
        template: template(section, faults).map(Arc::new),
        policy: None,
    })
}

fn kind(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<&'static SinkKind> {
    let word = section.required("type", faults);
    let kind = KINDS.iter().find(|kind| kind.name == word);
    if kind.is_none() && !word.is_empty() {
        let fault = section.fault("type", format!("`{word}` is not a kind of sink"));
        faults.push(fault.one_of(&word, &KIND_NAMES));
    }
    kind.copied()
}

fn refuse_keys_of_other_kinds(kind: &SinkKind, section: &Section<'_>, faults: &mut Vec<Fault>) {
    let own: Vec<&str> = kind.keys.iter().map(|key| key.name).collect();
    let all = KINDS.iter().flat_map(|kind| kind.keys).map(|key| key.name);
    for key in all.filter(|key| section.has(key) && !own.contains(key)) {
        let fault = section.fault(key, format!("a sink of type {} has no such key", kind.name));
        if !faults.iter().any(|known| known.message == fault.message) {
            faults.push(fault.remedy(format!("its own keys are: {}", own.join(", "))));
        }
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The detection. What is wrong in it was reported when the key was checked ([`check_detection`]).
fn detection(section: &Section<'_>) -> Option<Detection> {
    let node = yaml::document(&section.text("detection")?).ok()?;
    sigma::detection(&node, &mut Vec::new())
}

/// The templates, tried on example alerts of every kind. Faults name the line of the template file.
fn template(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Template> {
    let title = section.file("title_template", faults);
    let text = section.file("text_template", faults);
    if title.is_none() && text.is_none() {
        return None;
    }
    let at = |error: &TemplateError| {
        let path = section.text(error.key).unwrap_or_default();
        let (line, column) = (error.line, 1);
        place(&path, Mark { line, column })
    };
    match Template::tried(title, text) {
        Ok((template, warnings)) => {
            faults.extend(warnings.iter().map(|warning| {
                let fault = Fault::warning(at(warning), warning.to_string());
                fault.remedy("the default text is sent for such alerts; add an `else` for them")
            }));
            Some(template)
        }
        Err(error) => {
            let fault = Fault::new(at(&error), error.to_string());
            faults.push(fault.remedy(
                "test whether a value is present, as in `{% if notice.runbook %}…{% endif %}`; \
                 docs/notify.md lists what a template can use",
            ));
            None
        }
    }
}
