//! The demo's report: what the output topics contain. Everything in it is read from the output records.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;

use super::terminal_page::{BAD, BOLD, DIM, GOOD, NOTE, Page, WARNING};
use crate::event::OutputRecord;
use crate::finding::path;
use crate::vendors::{ACTIONTRAIL, Vendor};
use crate::view::{Emitted, JsonPart, words};

/// The largest number of alerts that are shown one by one.
const MAX_SHOWN_ALERTS: usize = 16;

/// The records that were read back from the output topics.
pub(super) struct Outputs {
    pub(super) events: Vec<OutputRecord>,
    pub(super) alerts: Vec<OutputRecord>,
    pub(super) dead_letters: Vec<OutputRecord>,
}

/// Whether an event is from this vendor's audit log.
fn is_from(event: JsonPart<'_, '_>, vendor: &Vendor) -> bool {
    let log_name = event.text("metadata.log_name").unwrap_or_default();
    let mut dialects = vendor.dialects.iter();
    dialects.any(|dialect| dialect.log_name == log_name)
}

/// Writes the page. It shows the first `documented` events of Confluent and all events of ActionTrail one by one.
pub(super) fn write(
    page: &mut Page<impl Write>,
    outputs: &Outputs,
    documented: usize,
    seconds: f64,
) -> io::Result<()> {
    let events: Vec<Emitted<'_>> = outputs.events.iter().map(emitted).collect();
    let alerts: Vec<Emitted<'_>> = outputs.alerts.iter().map(emitted).collect();
    let events: Vec<JsonPart<'_, '_>> = events.iter().filter_map(Emitted::root).collect();
    let alerts: Vec<JsonPart<'_, '_>> = alerts.iter().filter_map(Emitted::root).collect();
    let (actiontrail, confluent): (Vec<&JsonPart<'_, '_>>, Vec<_>) = events
        .iter()
        .partition(|event| is_from(**event, &ACTIONTRAIL));
    page.heading("The events of Confluent's documentation, as written to watchbell.events")?;
    for shown in confluent.into_iter().take(documented) {
        event(page, *shown)?;
    }
    page.heading("Events of Alibaba Cloud's documentation, and two of DataWorks")?;
    for shown in actiontrail {
        event(page, *shown)?;
    }
    page.heading("Alerts from watchbell.alerts, highest level first")?;
    all_alerts(page, &alerts)?;
    page.heading("What could not be read, from watchbell.dead-letters")?;
    for letter in &outputs.dead_letters {
        dead_letter(page, letter)?;
    }
    page.heading("Summary")?;
    counts(page, &events, &alerts, outputs.dead_letters.len(), seconds)
}

fn event(page: &mut Page<impl Write>, event: JsonPart<'_, '_>) -> io::Result<()> {
    let outcome = words::outcome(event);
    page.line(&[
        (DIM, "  "),
        (DIM, &time(event)),
        (DIM, "  "),
        (BOLD, &words::what(event)),
        (DIM, "  "),
        (outcome_style(&outcome), &outcome),
    ])?;
    page.labelled("who", &who(event))?;
    let message = event.text("message");
    let message = message.as_deref().unwrap_or("not in the catalogue");
    page.labelled("what", message)?;
    page.labelled("which", &resources(event))?;
    page.labelled("in", &place(event))?;
    page.labelled("from", &words::origin(event))?;
    page.blank()
}

fn all_alerts(page: &mut Page<impl Write>, alerts: &[JsonPart<'_, '_>]) -> io::Result<()> {
    // Alerts with the same message are counted as repetitions.
    let message =
        |alert: JsonPart<'_, '_>| alert.text(path::MESSAGE).unwrap_or_default().into_owned();
    let mut count: HashMap<String, usize> = HashMap::new();
    let mut different: Vec<JsonPart<'_, '_>> = Vec::new();
    for alert in alerts {
        let seen = count.entry(message(*alert)).or_default();
        if *seen == 0 {
            different.push(*alert);
        }
        *seen += 1;
    }
    different.sort_by_key(|alert| std::cmp::Reverse(alert.int("severity_id")));
    for shown in different.iter().take(MAX_SHOWN_ALERTS) {
        alert(page, *shown, count[&message(*shown)])?;
    }
    match different.len().saturating_sub(MAX_SHOWN_ALERTS) {
        0 => Ok(()),
        more => page.line(&[(DIM, &format!("  and {more} more"))]),
    }
}

fn alert(page: &mut Page<impl Write>, alert: JsonPart<'_, '_>, times: usize) -> io::Result<()> {
    let of = |path: &str| alert.text(path).unwrap_or_default();
    let level = of(path::SEVERITY).to_uppercase();
    let title = of(path::RULE_TITLE);
    let times = if times > 1 {
        format!("  {times} times")
    } else {
        String::new()
    };
    page.line(&[
        (level_style(&level), &format!("  {level:<8}")),
        (BOLD, &title),
        (DIM, &times),
    ])?;
    let message = of(path::MESSAGE);
    let message = message.strip_prefix(&*title).unwrap_or(&message);
    page.labelled("what", message.trim_start_matches(": "))?;
    let mut when = time(alert);
    // An alert of a built-in rule may have no event, and then has no outcome.
    if let Some(outcome) = alert.text(path::OUTCOME) {
        let evidence = alert.each(path::EVIDENCES).next().unwrap_or(alert);
        when.push_str(&format!(", {outcome}, from {}", words::origin(evidence)));
    }
    page.labelled("when", &when)?;
    page.labelled("why", &alert.texts(path::WHY).join("; "))?;
    page.labelled("do", &of(path::RUNBOOK))?;
    page.blank()
}

fn dead_letter(page: &mut Page<impl Write>, letter: &OutputRecord) -> io::Result<()> {
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(known, _)| known == name);
        let value = found.and_then(|(_, value)| value.as_deref());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    page.line(&[(DIM, "  "), (BAD, &header("watchbell-reason"))])?;
    page.labelled("why", &header("watchbell-detail"))?;
    let (topic, partition) = (
        header("watchbell-source-topic"),
        header("watchbell-source-partition"),
    );
    let offset = header("watchbell-source-offset");
    let element = header("watchbell-source-element");
    let event = match element.as_str() {
        "" => String::new(),
        number => format!(", event {number} of its list"),
    };
    page.labelled(
        "where",
        &format!("{topic}, partition {partition}, offset {offset}{event}"),
    )?;
    let original = String::from_utf8_lossy(letter.value.as_deref().unwrap_or_default());
    page.labelled("bytes", &original)?;
    page.blank()
}

fn counts(
    page: &mut Page<impl Write>,
    events: &[JsonPart<'_, '_>],
    alerts: &[JsonPart<'_, '_>],
    dead_letters: usize,
    seconds: f64,
) -> io::Result<()> {
    let noise = events.iter().filter(|event| is_noise(**event)).count();
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

/// Whether the event only read or checked something, and was granted.
fn is_noise(event: JsonPart<'_, '_>) -> bool {
    let labels = event.texts("metadata.labels");
    labels.iter().any(|label| label == "access:read") && words::outcome(event) == "Success"
}

fn emitted(record: &OutputRecord) -> Emitted<'_> {
    Emitted::value(record.value.as_deref().unwrap_or_default())
}

/// The actor: name and id, kind of principal, team, and the credential that it used.
fn who(event: JsonPart<'_, '_>) -> String {
    let of_user = |path: &str| event.text(&format!("actor.user.{path}"));
    let kind = of_user("type").map(|kind| match &*kind {
        "User" => "human".to_owned(),
        "System" => "the vendor".to_owned(),
        kind => kind.to_lowercase(),
    });
    let team = of_user("groups.name").map(|team| format!("team {team}"));
    let credential = of_user("credential_uid").map(|id| format!("with the credential {id}"));
    let parts = [Some(words::who(event)), kind, team, credential];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Type, name and id of each resource.
fn resources(event: JsonPart<'_, '_>) -> String {
    let named: Vec<String> = event.each("resources").map(words::resource).collect();
    if named.is_empty() {
        return words::on_what(event).unwrap_or_else(|| "none named".to_owned());
    }
    named.join(", ")
}

/// Where in the vendor's cloud it happened: environment, region, account and organization.
fn place(event: JsonPart<'_, '_>) -> String {
    let places = [
        ("environment", "cloud.project_uid"),
        ("region", "cloud.region"),
        ("account", "cloud.account.uid"),
        ("organization", "cloud.org.uid"),
    ];
    let named = places.iter().filter_map(|(place, path)| {
        let id = event.text(path)?;
        Some(format!("{place} {}", words::Known::of(event).named(&id)))
    });
    named.collect::<Vec<_>>().join(", ")
}

fn time(event: JsonPart<'_, '_>) -> String {
    match event.int("time") {
        Some(at_ms) if at_ms != 0 => words::moment(at_ms, 0),
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
