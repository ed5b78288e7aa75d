//! The section `notify`: who is told of alerts, and how.

mod mail;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, place};
use super::read::Section;
use super::schema::PREFIX;
use crate::diagnostic::{Mark, Problem};
use crate::notify::pace::Rate;
use crate::notify::queue::Pacing;
use crate::notify::{
    Alertmanager, PAGERDUTY_EU, PAGERDUTY_US, PagerDuty, Route, SLACK_API, Secret, Sink, Slack,
    Target, Teams, Template, TemplateError, Webhook,
};
use crate::sigma::{self, Detection, Level};
use crate::yaml::{self, Node};

/// A kind of sink: its name, the keys that only some kinds take, and its limits.
struct Kind {
    name: &'static str,
    keys: &'static [&'static str],
    /// Requests a minute, and at once, within what the vendor documents.
    rate: Option<(u32, u32)>,
    /// Whether people read it, who are told of many groups together.
    people: bool,
}

const KINDS: [Kind; 6] = [
    Kind {
        name: "alertmanager",
        keys: &["urls", "token", "token_file", "hold"],
        rate: None,
        people: false,
    },
    Kind {
        name: "pagerduty",
        keys: &["routing_key", "routing_key_file", "region", "url"],
        rate: Some((100, 20)),
        people: true,
    },
    Kind {
        name: "slack",
        keys: &[
            "webhook_url",
            "webhook_url_file",
            "token",
            "token_file",
            "channel",
            "url",
        ],
        rate: Some((55, 1)),
        people: true,
    },
    Kind {
        name: "teams",
        keys: &["webhook_url", "webhook_url_file"],
        rate: Some((60, 4)),
        people: true,
    },
    Kind {
        name: "email",
        keys: &[
            "server",
            "encryption",
            "user",
            "password",
            "password_file",
            "from",
            "to",
        ],
        rate: Some((30, 5)),
        people: true,
    },
    Kind {
        name: "webhook",
        keys: &["url", "secret", "secret_file", "token", "token_file"],
        rate: None,
        people: false,
    },
];

/// Groups that may wait for people before they become one digest.
const MAX_WAITING: usize = 20;

/// How long an alert stands in Alertmanager: longer than repeats are gathered.
const HOLD: &str = "10m";

/// What is wrong with a detection over alerts, each at its place.
pub(super) fn check_detection(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(detection) = sigma::detection(node, &mut problems)
        && let Err(unknown) = Route::compile(&detection)
    {
        problems.extend(unknown);
    }
    problems
}

/// Every sink, sorted by name.
pub(super) fn sinks(root: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<Sink> {
    let section = root.section("notify");
    let max_alert_age = root.duration("max_alert_age", faults);
    let names = section.names().into_iter();
    names
        .filter_map(|name| {
            // The name is part of a consumer group's.
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
                let message = "a sink's name is made of letters, digits, `.`, `_` and `-`";
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
    let others = KINDS.iter().flat_map(|kind| kind.keys);
    for key in others {
        if section.has(key) && !kind.keys.contains(key) {
            let fault = section.fault(key, format!("a sink of type {} has no such key", kind.name));
            let remedy = format!("it takes: {}", kind.keys.join(", "));
            if !faults.iter().any(|known| known.message == fault.message) {
                faults.push(fault.remedy(remedy));
            }
        }
    }
    let target = target(kind, section, faults);
    let level = section.text("min_level").unwrap_or_default();
    let min_level = Level::parse(&level);
    if min_level.is_none() {
        let fault = section.fault("min_level", format!("`{level}` is no level"));
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
        let fault = section.fault("rate_per_minute", "nothing would ever be sent");
        faults.push(fault.remedy("leave it out, or write how many requests a minute are allowed"));
    }
    let rate = match (per_minute, kind.rate) {
        (Some(per_minute), _) => (Some(per_minute), 1),
        (None, Some((per_minute, burst))) => (Some(per_minute), burst),
        (None, None) => (None, 1),
    };
    let max_waiting = section.parsed("max_waiting", "a whole number of groups", faults);
    let timeout = section.duration("timeout", faults);
    if timeout.is_zero() {
        faults.push(section.fault("timeout", "no sink answers in no time"));
    }
    Some(Sink {
        name: name.to_owned(),
        target: target?,
        route: Arc::new(route),
        pacing: Pacing {
            digest_interval_ms: ms(section.duration("digest_interval", faults)),
            max_waiting: max_waiting.or(kind.people.then_some(MAX_WAITING)),
            max_age_ms: ms(section.duration("max_age", faults)),
        },
        rate: Rate {
            per_minute: rate.0,
            burst: rate.1,
        },
        timeout,
        ca: section
            .text("ca_file")
            .and_then(|path| read("ca_file", &path, section, faults))
            .map(String::into_bytes),
        template: template(section, faults).map(Arc::new),
    })
}

fn kind(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<&'static Kind> {
    let word = section.required("type", faults);
    let kind = KINDS.iter().find(|kind| kind.name == word);
    if kind.is_none() && !word.is_empty() {
        let fault = section.fault("type", format!("`{word}` is no kind of sink"));
        faults.push(fault.one_of(&word, &KINDS.map(|kind| kind.name)));
    }
    kind
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The detection, which was checked where it was written.
fn detection(section: &Section<'_>) -> Option<Detection> {
    let node = yaml::document(&section.text("detection")?).ok()?;
    sigma::detection(&node, &mut Vec::new())
}

fn target(kind: &Kind, section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Target> {
    let token = |faults: &mut Vec<Fault>| section.secret("token", faults).map(Secret::new);
    Some(match kind.name {
        "alertmanager" => Target::Alertmanager(Alertmanager {
            urls: urls(section, faults),
            token: token(faults),
            hold_ms: ms(hold(section, faults)),
        }),
        "pagerduty" => Target::PagerDuty(PagerDuty {
            url: match section.text("url") {
                Some(_) => address("url", section, faults),
                None => region(section, faults),
            },
            routing_key: needed("routing_key", section, faults)?,
        }),
        "slack" => Target::Slack(slack(section, token(faults), faults)?),
        "teams" => Target::Teams(Teams {
            url: needed("webhook_url", section, faults)?,
        }),
        "email" => Target::Email(mail::email(section, faults)?),
        _ => Target::Webhook(Webhook {
            url: address("url", section, faults),
            secret: section.secret("secret", faults).map(Secret::new),
            token: token(faults),
        }),
    })
}

fn slack(section: &Section<'_>, token: Option<Secret>, faults: &mut Vec<Fault>) -> Option<Slack> {
    let webhook = section.has("webhook_url") || section.has("webhook_url_file");
    match token {
        Some(_) if webhook => {
            let fault = section.fault("token", "given besides webhook_url");
            faults.push(fault.remedy("keep one of the two: a webhook has its channel already"));
            None
        }
        Some(token) => Some(Slack::Bot {
            url: match section.text("url") {
                Some(_) => address("url", section, faults),
                None => SLACK_API.to_owned(),
            },
            token,
            channel: section.required("channel", faults),
        }),
        None => Some(Slack::Webhook {
            url: needed("webhook_url", section, faults)?,
        }),
    }
}

fn region(section: &Section<'_>, faults: &mut Vec<Fault>) -> String {
    let region = section.text("region").unwrap_or_else(|| "us".into());
    match region.as_str() {
        "us" => PAGERDUTY_US.to_owned(),
        "eu" => PAGERDUTY_EU.to_owned(),
        _ => {
            let fault = section.fault("region", format!("`{region}` is no service region"));
            faults.push(fault.remedy("write us or eu"));
            String::new()
        }
    }
}

fn hold(section: &Section<'_>, faults: &mut Vec<Fault>) -> Duration {
    let hold = match section.has("hold") {
        true => section.duration("hold", faults),
        false => HOLD
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|hold| Duration::try_from(hold).ok())
            .unwrap_or_default(),
    };
    if hold <= section.duration("digest_interval", &mut Vec::new()) {
        let message = "an alert would be resolved before its repeats are told";
        let fault = section.fault("hold", message);
        faults.push(fault.remedy("make hold longer than digest_interval"));
    }
    hold
}

/// A secret that the sink cannot do without.
fn needed(name: &str, section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Secret> {
    let before = faults.len();
    let secret = section.secret(name, faults);
    if secret.is_none() && faults.len() == before {
        let fault = section.fault(name, "a secret is needed");
        let variable = section.variable(PREFIX, name);
        faults.push(fault.remedy(format!("set {name}_file, or the variable {variable}")));
    }
    let is_address = name == "webhook_url";
    if let Some(text) = &secret
        && is_address
        && !is_http(text)
    {
        faults.push(section.fault(name, "no address: it begins with https:// or http://"));
    }
    secret.map(Secret::new)
}

fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

/// An address of the file must hold no password: it is shown.
fn refuse_password(key: &str, text: &str, section: &Section<'_>, faults: &mut Vec<Fault>) {
    if reqwest::Url::parse(text).is_ok_and(|url| url.password().is_some()) {
        let fault = section.fault(key, "a password in an address");
        faults.push(fault.remedy("give a bearer token with token_file"));
    }
}

fn address(name: &str, section: &Section<'_>, faults: &mut Vec<Fault>) -> String {
    let text = section.required(name, faults);
    if !text.is_empty() && !is_http(&text) {
        let fault = section.fault(name, "no address of an HTTP endpoint");
        faults.push(fault.remedy("write https://host/path"));
    }
    refuse_password(name, &text, section, faults);
    text
}

fn urls(section: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<String> {
    let urls = section.words("urls");
    if urls.is_empty() {
        let fault = section.fault("urls", "at least one address is needed");
        faults.push(fault.remedy("write `urls: [http://alertmanager:9093]`, with every peer"));
    }
    for url in urls.iter().filter(|url| !is_http(url)) {
        let fault = section.fault("urls", format!("`{url}` is no address"));
        faults.push(fault.remedy("write http://host:9093"));
    }
    for url in &urls {
        refuse_password("urls", url, section, faults);
    }
    urls
}

fn read(key: &str, path: &str, section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    match std::fs::read_to_string(Path::new(path)) {
        Ok(text) => Some(text),
        Err(error) => {
            faults.push(section.fault(key, format!("read {path}: {error}")));
            None
        }
    }
}

/// The templates, tried on alerts of every kind. What is wrong stands in the template's own file.
fn template(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Template> {
    let mut source = |key: &str| {
        let path = section.text(key)?;
        read(key, &path, section, faults)
    };
    let (title, text) = (source("title_template"), source("text_template"));
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
                fault.remedy("the shipped words are sent for such alerts; add an `else` for them")
            }));
            Some(template)
        }
        Err(error) => {
            let fault = Fault::new(at(&error), error.to_string());
            faults.push(fault.remedy(
                "test whether a part is there, as in `{% if notice.runbook %}…{% endif %}`; \
                 docs/notify.md lists what a template can name",
            ));
            None
        }
    }
}
