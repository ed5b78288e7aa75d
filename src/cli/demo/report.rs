//! What the topics hold after the demo's records went through, for a person.
//! Everything is read from the output records; nothing is known beforehand.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;
use jiff::Timestamp;
use serde_json::Value;

use super::page::{BAD, BOLD, DIM, GOOD, NOTE, Page, WARNING};
use crate::event::OutputRecord;

/// Most alerts that are shown one by one.
const SHOWN_ALERTS: usize = 12;

/// What was read back from the topics.
pub(super) struct Outputs {
    pub(super) events: Vec<OutputRecord>,
    pub(super) alerts: Vec<OutputRecord>,
    pub(super) dead_letters: Vec<OutputRecord>,
}

/// Writes the page; the first `documented` events are shown one by one.
pub(super) fn write(
    page: &mut Page<impl Write>,
    outputs: &Outputs,
    documented: usize,
    seconds: f64,
) -> io::Result<()> {
    let events: Vec<Value> = outputs.events.iter().map(json).collect();
    let alerts: Vec<Value> = outputs.alerts.iter().map(json).collect();
    page.heading("The events of Confluent's documentation, as they stand in watchbell.events")?;
    for shown in events.iter().take(documented) {
        event(page, shown)?;
    }
    page.heading("Alerts, from watchbell.alerts, the worst first")?;
    all_alerts(page, &alerts)?;
    page.heading("What could not be read, from watchbell.dead-letters")?;
    for letter in &outputs.dead_letters {
        dead_letter(page, letter)?;
    }
    page.heading("In sum")?;
    counts(page, &events, &alerts, outputs.dead_letters.len(), seconds)
}

fn event(page: &mut Page<impl Write>, event: &Value) -> io::Result<()> {
    let outcome = text(event, "/status").unwrap_or("Unknown");
    let operation = operation(event).unwrap_or("unknown operation");
    page.line(&[
        (DIM, "  "),
        (DIM, &time(event)),
        (DIM, "  "),
        (BOLD, operation),
        (DIM, "  "),
        (outcome_style(outcome), outcome),
    ])?;
    page.labelled("who", &who(event))?;
    page.labelled(
        "what",
        text(event, "/message").unwrap_or("not in the catalogue"),
    )?;
    page.labelled("which", &which(event))?;
    page.labelled("in", &place(event))?;
    page.labelled("from", &origin(event))?;
    page.blank()
}

fn all_alerts(page: &mut Page<impl Write>, alerts: &[Value]) -> io::Result<()> {
    // Repetitions of one alert are told by its message.
    let mut count: HashMap<&str, usize> = HashMap::new();
    let mut different: Vec<&Value> = Vec::new();
    for alert in alerts {
        let seen = count.entry(text(alert, "/message").unwrap_or_default());
        let seen = seen.or_default();
        if *seen == 0 {
            different.push(alert);
        }
        *seen += 1;
    }
    let severity = |alert: &Value| alert.pointer("/severity_id").and_then(Value::as_i64);
    different.sort_by_key(|alert| std::cmp::Reverse(severity(alert)));
    for shown in different.iter().take(SHOWN_ALERTS) {
        let times = count[text(shown, "/message").unwrap_or_default()];
        alert(page, shown, times)?;
    }
    match different.len().saturating_sub(SHOWN_ALERTS) {
        0 => Ok(()),
        more => page.line(&[(DIM, &format!("  and {more} more"))]),
    }
}

fn alert(page: &mut Page<impl Write>, alert: &Value, times: usize) -> io::Result<()> {
    let level = text(alert, "/severity").unwrap_or_default().to_uppercase();
    let title = text(alert, "/finding_info/analytic/name").unwrap_or_default();
    let times = if times > 1 {
        format!("  {times} times")
    } else {
        String::new()
    };
    page.line(&[
        (level_style(&level), &format!("  {level:<8}")),
        (BOLD, title),
        (DIM, &times),
    ])?;
    let message = text(alert, "/message").unwrap_or_default();
    let message = message.strip_prefix(title).unwrap_or(message);
    page.labelled("what", message.trim_start_matches(": "))?;
    let outcome = text(alert, "/unmapped/outcome").unwrap_or("Unknown");
    let (time, origin) = (
        time(alert),
        origin(alert.pointer("/evidences/0").unwrap_or(alert)),
    );
    page.labelled("when", &format!("{time}, {outcome}, from {origin}"))?;
    let why = alert.pointer("/unmapped/why").and_then(Value::as_array);
    let why = why.into_iter().flatten().filter_map(Value::as_str);
    page.labelled("why", &why.collect::<Vec<_>>().join("; "))?;
    if let Some(remedy) = text(alert, "/remediation/desc") {
        page.labelled("do", remedy)?;
    }
    page.blank()
}

fn dead_letter(page: &mut Page<impl Write>, letter: &OutputRecord) -> io::Result<()> {
    let ours = |name: &str| {
        let found = letter.headers.iter().find(|(known, _)| known == name);
        let value = found.and_then(|(_, value)| value.as_deref());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    page.line(&[(DIM, "  "), (BAD, &ours("watchbell-reason"))])?;
    page.labelled("why", &ours("watchbell-detail"))?;
    let (topic, partition) = (
        ours("watchbell-source-topic"),
        ours("watchbell-source-partition"),
    );
    let offset = ours("watchbell-source-offset");
    page.labelled(
        "where",
        &format!("{topic}, partition {partition}, offset {offset}"),
    )?;
    let original = String::from_utf8_lossy(letter.value.as_deref().unwrap_or_default());
    page.labelled("bytes", &original)?;
    page.blank()
}

fn counts(
    page: &mut Page<impl Write>,
    events: &[Value],
    alerts: &[Value],
    dead_letters: usize,
    seconds: f64,
) -> io::Result<()> {
    let noise = events.iter().filter(|event| is_noise(event)).count();
    let share = 100 * noise / events.len().max(1);
    let records = events.len() + dead_letters;
    let mut count = |count: usize, what: &str| {
        page.line(&[(BOLD, &format!("{count:>8}")), (Style::new(), what)])
    };
    count(records, &format!("  records read, in {seconds:.1} s"))?;
    count(events.len(), "  events in watchbell.events")?;
    let what = format!("  of them noise ({share} %): reading, logins and checks that were granted");
    count(noise, &what)?;
    count(alerts.len(), "  alerts in watchbell.alerts")?;
    count(dead_letters, "  dead letters in watchbell.dead-letters")?;
    page.blank()
}

/// Whether nothing was changed and nothing refused.
fn is_noise(event: &Value) -> bool {
    let labels = event.pointer("/metadata/labels").and_then(Value::as_array);
    let reads = |labels: &Vec<Value>| labels.iter().any(|label| label == "access:read");
    labels.is_some_and(reads) && text(event, "/status") == Some("Success")
}

fn json(record: &OutputRecord) -> Value {
    let value = record.value.as_deref().unwrap_or_default();
    serde_json::from_slice(value).unwrap_or_default()
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Authentication outside a cloud has its method under `unmapped`.
fn operation(event: &Value) -> Option<&str> {
    text(event, "/api/operation").or_else(|| text(event, "/unmapped/api/operation"))
}

/// Name and id, what kind of principal, its team, and what it logged in with.
fn who(event: &Value) -> String {
    let of_user = |key: &str| text(event, &format!("/actor/user/{key}"));
    let mut who = match (of_user("name"), of_user("uid")) {
        (Some(name), Some(uid)) => format!("{name} ({uid})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    let kind = match of_user("type") {
        Some("User") => Some("human"),
        Some("Service") => Some("service"),
        Some("System") => Some("the vendor"),
        _ => None,
    };
    let team = text(event, "/actor/user/groups/0/name").map(|team| format!("team {team}"));
    let credential = of_user("credential_uid").map(|id| format!("with the credential {id}"));
    for part in [kind.map(str::to_owned), team, credential]
        .into_iter()
        .flatten()
    {
        who = format!("{who}, {part}");
    }
    who
}

/// Each resource by type, name and id.
fn which(event: &Value) -> String {
    let resources = event.pointer("/resources").and_then(Value::as_array);
    let named = resources.into_iter().flatten().map(|resource| {
        let of = |key: &str| text(resource, &format!("/{key}"));
        let kind = of("type").unwrap_or("resource");
        match (of("name"), of("uid")) {
            (Some(name), Some(uid)) if name != uid => format!("{kind} {name} ({uid})"),
            (name, uid) => format!("{kind} {}", name.or(uid).unwrap_or("unknown")),
        }
    });
    let which = named.collect::<Vec<_>>().join(", ");
    match which.as_str() {
        "" => "none named".to_owned(),
        _ => which,
    }
}

/// The environment and what is around it, the smallest first.
fn place(event: &Value) -> String {
    let places = [
        ("environment", "/cloud/project_uid"),
        ("region", "/cloud/region"),
        ("organization", "/cloud/org/uid"),
    ];
    let named = places.iter().filter_map(|(place, pointer)| {
        let id = text(event, pointer)?;
        Some(format!("{place} {id}"))
    });
    named.collect::<Vec<_>>().join(", ")
}

fn origin(event: &Value) -> String {
    let of = |key: &str| text(event, &format!("/src_endpoint/{key}"));
    of("ip")
        .or_else(|| of("name"))
        .unwrap_or("unknown")
        .to_owned()
}

fn time(event: &Value) -> String {
    let at_ms = event.pointer("/time").and_then(Value::as_i64).unwrap_or(0);
    match Timestamp::from_millisecond(at_ms) {
        Ok(at) if at_ms != 0 => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        _ => "time unknown".to_owned(),
    }
}

fn outcome_style(outcome: &str) -> Style {
    match outcome {
        "Success" => GOOD,
        "Failure" => BAD,
        _ => WARNING,
    }
}

fn level_style(level: &str) -> Style {
    match level {
        "CRITICAL" | "HIGH" => BAD,
        "MEDIUM" => WARNING,
        _ => NOTE,
    }
}
