//! The alerts, gathered into incidents: the newest first.

use maud::{Markup, html};

use super::details::title;
use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::record_row::record_url;
use crate::finding::path;
use crate::view::{At, Emitted, shown, words};

/// Alerts with one group key that follow each other.
pub struct Incident<'a> {
    /// The newest alert.
    pub newest: &'a Emitted<'a>,
    /// How many there are.
    pub count: u64,
    /// When the first and the last of them were raised, in milliseconds since the Unix epoch.
    pub span_ms: (i64, i64),
}

/// The page of the incidents; `problem` says why it is not whole.
pub fn alerts_page(frame: Frame<'_>, incidents: &[Incident<'_>], problem: Option<&str>) -> String {
    let words = frame.words();
    let content = html! {
        h1 { (words.incidents) }
        @if let Some(problem) = problem {
            div.fault role="alert" { p { (words.cannot_be_read) " " (problem) } }
        } @else if incidents.is_empty() {
            div.empty { p { strong { (words.no_alerts) } } p { (words.no_alerts_hint) } }
        }
        ul.incidents { @for incident in incidents { (self::incident(frame, incident)) } }
    };
    frame.with(&content).into_string()
}

fn incident(frame: Frame<'_>, incident: &Incident<'_>) -> Markup {
    let words = frame.words();
    let alert = incident.newest;
    let Some(root) = alert.root() else {
        return html! {};
    };
    let level = shown(&root.text(path::SEVERITY).unwrap_or("Unknown".into()));
    let (first, last) = incident.span_ms;
    html! {
        li.incident data-level=(level.to_lowercase()) {
            span.level { (level) }
            a.title href=(record_url(&At::from(alert.record.position))) { bdi { (title(alert)) } }
            span.count { (grouped(incident.count)) " " (words.count) }
            span.times {
                (moment(last, frame.zone))
                @if first != last { " " span.faint { (words.first) " " (moment(first, frame.zone)) } }
            }
            @let why = words::why(root);
            @if !why.is_empty() {
                p.why { span.label { (words.why) } @for line in &why { code { bdi { (shown(line)) } } } }
            }
            @if let Some(runbook) = root.text(path::RUNBOOK) {
                p.todo { span.label { (words.what_to_do) } bdi { (shown(&runbook)) } }
            }
        }
    }
}
