//! What people have decided of an incident, and the fields with which they decide. They are forms, so they work without the
//! script.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::frame::Frame;
use super::moment::moment;
use super::words::Words;
use crate::triage::{Change, Incident, LONGEST_COMMENT, LONGEST_NAME, Triage, TriageState};
use crate::view::{printable, shown};

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The state; `None` to leave it as it is.
    pub state: Option<TriageState>,
    /// Who works on it; `None` to leave it as it is.
    pub assignee: Option<String>,
    /// What is said.
    pub comment: String,
}

/// What a state is called.
pub(super) fn state_word(state: TriageState, words: &Words) -> &'static str {
    match state {
        TriageState::New => words.state_new,
        TriageState::InProgress => words.state_in_progress,
        TriageState::Resolved => words.state_resolved,
        TriageState::FalsePositive => words.state_false_positive,
        TriageState::Expected => words.state_expected,
    }
}

/// The state of an incident.
pub(super) fn state_mark(incident: &Incident, words: &Words) -> Markup {
    let state = incident.state();
    html! { span.state data-state=(state.name()) { (state_word(state, words)) } }
}

/// The record that was decided on, as a form names it: the incident, the offset of its last record, and that of the last
/// alert that was seen.
pub(super) fn reference(incident: &Incident) -> String {
    let version = incident
        .version
        .map_or("-".to_owned(), |version| version.to_string());
    format!(
        "{} {version} {}",
        incident.seen.key, incident.seen.through.offset
    )
}

/// The fields of a decision about one incident, or about several, of which each keeps what is not chosen.
pub(super) fn fields(draft: &Draft, of_one: Option<&Incident>, words: &Words) -> Markup {
    let chosen = draft.state.or_else(|| of_one.map(Incident::state));
    let assignee = draft
        .assignee
        .as_deref()
        .or_else(|| of_one.map(Incident::assignee));
    html! {
        label {
            span { (words.state) }
            select name="state" {
                @if of_one.is_none() { option value="" selected[chosen.is_none()] { (words.as_it_is) } }
                @for state in TriageState::ALL {
                    option value=(state.name()) selected[chosen == Some(state)] { (state_word(state, words)) }
                }
            }
        }
        label {
            span { (words.assignee) }
            input type="text" name="assignee" value=(printable(assignee.unwrap_or_default())) list="assignees" maxlength=(LONGEST_NAME)
                placeholder=[of_one.is_none().then_some(words.as_it_is)] autocomplete="off" spellcheck="false";
        }
        label.grow {
            span { (words.comment) }
            @if of_one.is_some() {
                textarea name="comment" rows="3" maxlength=(LONGEST_COMMENT) { (draft.comment) }
            } @else {
                input type="text" name="comment" value=(draft.comment) maxlength=(LONGEST_COMMENT) autocomplete="off";
            }
        }
    }
}

/// The names to which incidents are assigned.
pub(super) fn assignees(names: &[&str]) -> Markup {
    html! { datalist #assignees { @for name in names { option value=(printable(name)) {} } } }
}

/// What was decided, the newest first; without comments where fields are hidden from the reader.
pub(super) fn history(triage: Option<&Triage>, is_hiding: bool, frame: Frame<'_>) -> Markup {
    let (words, zone) = (frame.words(), frame.zone);
    let known = triage.map_or(0, |triage| triage.history().count() as u64);
    let all = triage.map_or(0, |triage| triage.changes);
    html! {
        section {
            h2 { (words.history) }
            @if known == 0 { p.faint { (words.no_history) } }
            @if known > 0 && is_hiding { p.faint { (words.comments_hidden) } }
            ol.history {
                @for change in triage.iter().flat_map(|triage| triage.history().rev()) { li { (self::change(change, zone, words)) } }
            }
            @if all > known { p.faint { (all - known) " " (words.earlier_changes) } }
        }
    }
}

/// One decision.
pub(super) fn change(change: &Change, zone: &TimeZone, words: &Words) -> Markup {
    html! {
        (moment(change.at_ms, zone)) " "
        strong { bdi { (shown(&change.who)) } } ": "
        span.state data-state=(change.state.name()) { (state_word(change.state, words)) }
        @if !change.assignee.is_empty() { " · " (words.assignee) " " bdi { (shown(&change.assignee)) } }
        @if !change.comment.is_empty() {
            p.comment { @for line in change.comment.lines() { bdi { (shown(line)) } br; } }
        }
    }
}
