//! One incident: why it was raised and what to do, what was decided, its alerts and events, and the form to decide.

use maud::{Markup, html};

use super::alerts::{incident_query, incident_url, problems};
use super::attack::attack_link;
use super::changes::changes;
use super::decision::{Draft, assignees, change, fields, history, reference, state_mark};
use super::details::title;
use super::form_token::form_token;
use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::record_row::record_url;
use super::words::Words;
use crate::finding::path;
use crate::sigma::Level;
use crate::triage::{Change, Incident};
use crate::view::{At, Emitted, JsonPart, RecordKind, shown, words};

/// What the page of an incident shows.
pub struct IncidentPage<'p> {
    /// The incident.
    pub incident: &'p Incident,
    /// Its newest alerts, the newest first.
    pub alerts: &'p [Emitted<'p>],
    /// The events behind the newest alert, where it does not contain its event.
    pub events: &'p [Emitted<'p>],
    /// To whom incidents are assigned.
    pub assignees: &'p [&'p str],
    /// What stands in the fields.
    pub draft: &'p Draft,
    /// What somebody else has decided in the meantime.
    pub conflict: Option<&'p Change>,
    /// What the reader must know.
    pub notes: &'p [String],
    /// Why the decision was not written.
    pub problems: &'p [String],
    /// Of one that is expected: how to suppress it.
    pub suppression: Option<Suppression>,
    /// Whether the reader may decide.
    pub can_decide: bool,
    /// Whether fields are hidden from the reader.
    pub is_hiding: bool,
}

/// How an incident that is expected is suppressed.
pub enum Suppression {
    /// By this suppression as YAML.
    Yaml(String),
    /// Not by rules, since no rule set has its rule.
    BuiltIn,
    /// The values that a suppression needs are hidden from the reader.
    Hidden,
}

/// The page of one incident.
pub fn incident_page(frame: Frame<'_>, page: &IncidentPage<'_>) -> String {
    let words = frame.words();
    let incident = page.incident;
    let seen = &incident.seen;
    let (first, last) = seen.span_ms;
    let level = seen.level.map_or("unknown", Level::as_str);
    let newest = page.alerts.first().and_then(Emitted::root);
    let content = html! {
        article.record.one-incident data-level=(level) {
            h1 { bdi { (shown(&seen.title)) } }
            p.decided {
                (state_mark(incident, words))
                span.level { (level) }
                span { (grouped(seen.count)) " " (words.count) }
                span { (words.first) " " (moment(first, frame.zone)) }
                span { (words.last) " " (moment(last, frame.zone)) }
                @if !incident.assignee().is_empty() { span { (words.assignee) " " bdi { (shown(incident.assignee())) } } }
            }
            (problems(page.problems))
            @if let Some(conflict) = page.conflict {
                div.fault role="alert" { p { (words.changed_meanwhile) } div { (change(conflict, frame.zone, words)) } }
            }
            (changes(std::iter::once(incident), (&incident_query(&seen.key), &incident_url(&seen.key)), words))
            @for note in page.notes { p.note { (shown(note)) } }
            @if page.can_decide { (form(page, frame)) }
            (suppression(page, words))
            @if let Some(alert) = newest { (why(alert, words)) }
            @if newest.is_none() { p.note { (words.alerts_not_read) } }
            (history(incident.triage.as_deref(), page.is_hiding, frame))
            (alerts(frame, page))
        }
    };
    frame.with(&content).into_string()
}

fn form(page: &IncidentPage<'_>, frame: Frame<'_>) -> Markup {
    let words = frame.words();
    html! {
        section {
            h2 { (words.triage) }
            form.triage method="post" action=(incident_url(&page.incident.seen.key)) {
                (form_token(frame.form_token))
                input type="hidden" name="incident" value=(reference(page.incident));
                div.row { (fields(page.draft, Some(page.incident), words)) }
                div.row {
                    button type="submit" { (words.save) }
                    button.second type="submit" name="take" value="yes" { (words.take_over) }
                }
            }
            (assignees(page.assignees))
        }
    }
}

/// What is expected, as a suppression to copy.
fn suppression(page: &IncidentPage<'_>, words: &Words) -> Markup {
    html! {
        @if let Some(suppression) = &page.suppression {
            section {
                h2 #suppression-title { (words.suppression) }
                @match suppression {
                    Suppression::BuiltIn => p.faint { (words.no_suppression) },
                    Suppression::Hidden => p.faint { (words.suppression_hidden) },
                    Suppression::Yaml(yaml) => {
                        p { (words.suppression_hint) }
                        pre #suppression tabindex="0" aria-labelledby="suppression-title" {
                            @for line in yaml.lines() { (shown(line)) "\n" }
                        }
                    }
                }
            }
        }
    }
}

/// Why the alert was raised, and what a person should know of it.
fn why(alert: JsonPart<'_, '_>, words: &Words) -> Markup {
    let why = words::why(alert);
    let runbook = alert.text(path::RUNBOOK);
    let mut links = alert.texts(path::RUNBOOK_LINKS);
    links.extend(alert.texts(path::LINKS));
    let false_positives = alert.texts(path::FALSE_POSITIVES);
    let attacks: Vec<String> = alert.each(path::ATTACKS).filter_map(technique).collect();
    html! {
        section {
            h2 { (words.why) }
            p { bdi { (shown(&alert.text(path::RULE_TITLE).unwrap_or_default())) } }
            @if let Some(about) = alert.text(path::DESCRIPTION) { p.faint { bdi { (shown(&about)) } } }
            ul.reasons { @for line in &why { li { code { bdi { (shown(line)) } } } } }
        }
        @if runbook.is_some() || !links.is_empty() {
            section {
                h2 { (words.what_to_do) }
                @if let Some(runbook) = &runbook { p { (link_or_text(runbook)) } }
                ul { @for link in &links { li { (link_or_text(link)) } } }
            }
        }
        @if !false_positives.is_empty() {
            section {
                h2 { (words.false_positives) }
                ul { @for one in &false_positives { li { bdi { (shown(one)) } } } }
            }
        }
        @if !attacks.is_empty() {
            section {
                h2 { "ATT&CK" }
                ul.tags { @for attack in &attacks { li { (attack_link(attack)) } } }
            }
        }
    }
}

/// The id of a tactic or technique.
fn technique(attack: JsonPart<'_, '_>) -> Option<String> {
    let of = ["sub_technique.uid", "technique.uid", "tactic.uid"];
    let id = of.into_iter().find_map(|path| attack.text(path));
    id.map(|id| id.into_owned())
}

/// A link of a rule, or the text where it is none.
pub(super) fn link_or_text(text: &str) -> Markup {
    let is_link = (text.starts_with("https://") || text.starts_with("http://"))
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    html! {
        @if is_link { a href=(text) rel="noopener noreferrer" { bdi { (shown(text)) } } } @else { bdi { (shown(text)) } }
    }
}

/// The alerts, each with the events behind it.
fn alerts(frame: Frame<'_>, page: &IncidentPage<'_>) -> Markup {
    let words = frame.words();
    let item = |one: &Emitted<'_>| {
        let time_ms = one.root().and_then(|root| root.int(path::TIME));
        html! {
            a href=(record_url(&At::from(one.record.position))) { bdi { (title(one)) } } " "
            @if let Some(time_ms) = time_ms { (moment(time_ms, frame.zone)) }
        }
    };
    html! {
        @if !page.alerts.is_empty() {
            section {
                h2 { (words.alerts) }
                ul.related {
                    @for alert in page.alerts.iter().filter(|one| one.kind == RecordKind::Alert) {
                        li {
                            (item(alert))
                            @for id in alert.related_events() { " " a.event href=(event_url(&id)) { (words.event) } }
                        }
                    }
                }
            }
        }
        @if !page.events.is_empty() {
            section {
                h2 { (words.events_behind) }
                ul.related { @for event in page.events { li { (item(event)) } } }
            }
        }
    }
}

/// The URL of an event by its id.
fn event_url(id: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("id", id);
    format!("/record?{}", query.finish())
}
