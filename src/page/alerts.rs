//! The alerts, gathered into incidents: open ones first. Several are decided on at once by their check boxes.

use maud::{Markup, html};

use super::asked::{Fault, WHEN};
use super::asked_incidents::{AskedIncidents, NOBODY, OPEN};
use super::changes::changes;
use super::decision::{Draft, assignees, fields, reference, state_mark, state_word};
use super::filter_bar::faults;
use super::form_token::form_token;
use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::record_row::cut;
use super::words::Words;
use crate::finding::path;
use crate::query::archive::{Attribute, TEXT};
use crate::sigma::Level;
use crate::triage::{Incident, IncidentKey, TriageState};
use crate::view::{Emitted, printable, shown, words};

/// The path of the list.
const PATH: &str = "/alerts";

/// Most reasons of an alert in the list; the page of the incident has all.
const MOST_REASONS: usize = 8;

/// What a page of incidents shows.
pub struct AlertsPage<'p> {
    /// The question.
    pub asked: &'p AskedIncidents,
    /// What is wrong with it.
    pub faults: &'p [Fault],
    /// The incidents of this page, each with its newest alert as far as it was read.
    pub incidents: &'p [(&'p Incident, Option<&'p Emitted<'p>>)],
    /// How many incidents there are on all pages.
    pub total: usize,
    /// Whether there is a further page.
    pub has_more: bool,
    /// To whom incidents are assigned.
    pub assignees: &'p [&'p str],
    /// Whether the reader may decide.
    pub can_decide: bool,
    /// What stands in the fields of the decision.
    pub draft: &'p Draft,
    /// What the reader must know, such as that not all alerts were read.
    pub notes: &'p [String],
    /// Why there is no answer, or why a decision was not written.
    pub problems: &'p [String],
}

/// The URL of an incident.
pub fn incident_url(key: &IncidentKey) -> String {
    format!("/incident?{}", incident_query(key))
}

/// The query that names an incident.
pub(super) fn incident_query(key: &IncidentKey) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("key", &key.to_string());
    query.finish()
}

/// The page of the incidents.
pub fn alerts_page(frame: Frame<'_>, page: &AlertsPage<'_>) -> String {
    let words = frame.words();
    let query = page.asked.query(page.asked.page);
    let content = html! {
        h1 { (words.incidents) }
        (filter_form(page, words))
        (faults(page.faults, words))
        (problems(page.problems))
        @if page.faults.is_empty() && page.problems.is_empty() {
            (changes(page.incidents.iter().map(|(incident, _)| *incident), (&query, &format!("{PATH}?{query}")), words))
        }
        @for note in page.notes { p.note { (shown(note)) } }
        @if page.incidents.is_empty() && page.faults.is_empty() && page.problems.is_empty() {
            div.empty { p { strong { (words.no_alerts) } } p { (words.no_alerts_hint) } }
        }
        @if !page.incidents.is_empty() {
            p.faint { (grouped(page.total as u64)) " " (words.incidents_in_all) }
            @if page.can_decide {
                form.triage method="post" action={ (PATH) "?" (query) } {
                    (form_token(frame.form_token))
                    (incidents(frame, page))
                    fieldset.bulk {
                        legend { (words.with_selected) }
                        div.row {
                            (fields(page.draft, None, words))
                            button type="submit" { (words.save) }
                        }
                    }
                }
                (assignees(page.assignees))
            } @else {
                (incidents(frame, page))
            }
        }
        nav.pager {
            @if page.asked.page > 0 { a href={ (PATH) "?" (page.asked.query(page.asked.page - 1)) } rel="prev" { (words.newer) } }
            @if page.has_more { a href={ (PATH) "?" (page.asked.query(page.asked.page + 1)) } rel="next" { (words.older) } }
        }
    };
    frame.with(&content).into_string()
}

/// Why there is no answer, or why a decision was not written.
pub(super) fn problems(problems: &[String]) -> Markup {
    html! {
        @if !problems.is_empty() {
            div.fault role="alert" { @for problem in problems { p { (shown(problem)) } } }
        }
    }
}

fn filter_form(page: &AlertsPage<'_>, words: &Words) -> Markup {
    let asked = page.asked;
    let text: Vec<&str> = asked.values(TEXT).collect();
    let rule = asked
        .values(Attribute::Rule.name())
        .next()
        .unwrap_or_default();
    let level = asked
        .values(Attribute::Level.name())
        .next()
        .unwrap_or_default();
    let assignee = asked.assignee();
    html! {
        search {
            form.filters method="get" action=(PATH) {
                div.row {
                    label.grow {
                        span { (words.search_text) }
                        input #search type="search" name=(TEXT) value=(printable(&text.join(" "))) autocomplete="off" spellcheck="false";
                    }
                    label {
                        span { (words.state) }
                        select name="state" {
                            option value="" { (words.all) }
                            option value=(OPEN) selected[asked.state() == OPEN] { (words.state_open) }
                            @for state in TriageState::ALL {
                                option value=(state.name()) selected[asked.state() == state.name()] { (state_word(state, words)) }
                            }
                        }
                    }
                    label {
                        span { (words.level) }
                        select name=(Attribute::Level.name()) {
                            option value="" { (words.all) }
                            @for one in Level::ALL.into_iter().rev() {
                                option value=(one.as_str()) selected[level == one.as_str()] { (one.as_str()) }
                            }
                        }
                    }
                    label {
                        span { (words.assignee) }
                        select name="assignee" {
                            option value="" { (words.all) }
                            option value=(NOBODY) selected[assignee == NOBODY] { (words.nobody) }
                            @if !assignee.is_empty() && assignee != NOBODY && !page.assignees.contains(&assignee) {
                                option value=(assignee) selected { (shown(assignee)) }
                            }
                            @for name in page.assignees {
                                option value=(name) selected[assignee == *name] { (shown(name)) }
                            }
                        }
                    }
                    label {
                        span { (words.rule) }
                        input type="text" name=(Attribute::Rule.name()) value=(printable(rule)) autocomplete="off" spellcheck="false";
                    }
                    label {
                        span { (words.when) }
                        input type="text" name=(WHEN) value=(asked.asked().when()) placeholder=(words.when_hint) size="28"
                            autocomplete="off" spellcheck="false";
                    }
                    button type="submit" { (words.search) }
                }
            }
        }
    }
}

fn incidents(frame: Frame<'_>, page: &AlertsPage<'_>) -> Markup {
    html! {
        ul.incidents {
            @for (incident, alert) in page.incidents { (self::incident(frame, page.can_decide, incident, *alert)) }
        }
    }
}

fn incident(
    frame: Frame<'_>,
    can_decide: bool,
    incident: &Incident,
    alert: Option<&Emitted<'_>>,
) -> Markup {
    let words = frame.words();
    let seen = &incident.seen;
    let (first, last) = seen.span_ms;
    let level = seen.level.map_or("unknown", Level::as_str);
    let root = alert.and_then(Emitted::root);
    html! {
        li.incident data-level=(level) data-state=(incident.state().name()) {
            span.choice {
                @if can_decide {
                    input type="checkbox" name="incident" value=(reference(incident)) aria-label={ (words.select) ": " (cut(&seen.title)) };
                }
                span.level { (level) }
            }
            a.title href=(incident_url(&seen.key)) { bdi { (cut(&seen.title)) } }
            span.count { (grouped(seen.count)) " " (words.count) }
            span.times {
                (moment(last, frame.zone))
                @if first != last { " " span.faint { (words.first) " " (moment(first, frame.zone)) } }
            }
            p.decided {
                (state_mark(incident, words))
                @if !incident.assignee().is_empty() { span { span.label { (words.assignee) } " " bdi { (shown(incident.assignee())) } } }
                @if let Some(change) = incident.newest() {
                    span.faint { bdi { (shown(&change.who)) } " " (moment(change.at_ms, frame.zone)) }
                    @if !change.comment.is_empty() { span { bdi { (cut(&change.comment)) } } }
                }
            }
            @if let Some(root) = root {
                @let why = words::why(root);
                @if !why.is_empty() {
                    p.why { span.label { (words.why) }
                        @for line in why.iter().take(MOST_REASONS) { code { bdi { (cut(line)) } } }
                        @if why.len() > MOST_REASONS { span.faint { (words.more_reasons) " " (grouped((why.len() - MOST_REASONS) as u64)) } }
                    }
                }
                @if let Some(runbook) = root.text(path::RUNBOOK) {
                    p.todo { span.label { (words.what_to_do) } bdi { (cut(&runbook)) } }
                }
            }
        }
    }
}
