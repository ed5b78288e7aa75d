//! One rule: what it looks for, what to do, its tests, what it raised.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::attack::{attack_id, attack_link};
use super::frame::Frame;
use super::incident::link_or_text;
use super::moment::moment;
use super::record_row::{cut, record_url};
use super::rules::{RULE_DAYS, RuleRow, state, url};
use super::sparkline::sparkline;
use crate::finding::path;
use crate::printable::printable_lines;
use crate::view::{At, Emitted, shown};

/// What the page of a rule shows.
pub struct RulePage<'p> {
    /// The rule as the list has it.
    pub row: RuleRow<'p>,
    /// What it detects.
    pub description: Option<&'p str>,
    /// What to do.
    pub runbook: Option<&'p str>,
    /// Links.
    pub references: &'p [String],
    /// Known false positives.
    pub false_positives: &'p [String],
    /// The fields of the group key.
    pub group_by: Vec<&'p str>,
    /// The names of its tests.
    pub tests: &'p [String],
    /// Its YAML.
    pub text: &'p str,
    /// How many alerts it raised on which day.
    pub raised: &'p BTreeMap<i32, u64>,
    /// The current day in UTC, since the Unix epoch.
    pub today: i32,
    /// Its newest alerts.
    pub alerts: &'p [Emitted<'p>],
    /// What the reader must know.
    pub notes: &'p [String],
}

/// The page of a rule.
pub fn rule_page(frame: Frame<'_>, page: &RulePage<'_>) -> String {
    let (words, row) = (frame.words(), &page.row);
    let content = html! { div.one-rule {
        h1 { bdi { (cut(row.title)) } }
        @for note in page.notes { p.note { (shown(note)) } }
        p.decided {
            @if let Some(level) = row.level { span.level { (level.as_str()) } }
            span { (state(row, words)) }
            code { bdi { (shown(row.id)) } }
            @if let Some(file) = row.file { span.faint { bdi { (cut(file)) } } }
        }
        @if let Some(about) = page.description { p.said { bdi { (shown(about)) } } }
        form method="get" action="/rules/try" {
            input type="hidden" name="id" value=(row.id);
            button type="submit" { (words.try_it) }
        }
        section {
            h2 { (words.alerts_per_day) " " span.faint { (words.of_weeks) } }
            p { (sparkline(page.raised, (page.today, RULE_DAYS), words.alerts)) }
            p {
                a href=(url("/alerts", "rule", row.id)) { (words.its_alerts) } " · "
                a href=(url("/events", "rule", row.id)) { (words.its_events) }
            }
            (alerts(frame, page))
        }
        (texts(words.what_to_do, page.runbook.into_iter().chain(page.references.iter().map(String::as_str))))
        (texts(words.false_positives, page.false_positives.iter().map(String::as_str)))
        (attacks(row.tags))
        (texts(words.group_by, page.group_by.iter().copied()))
        (texts(words.tests, page.tests.iter().map(String::as_str)))
        section {
            h2 { (words.rule_as_yaml) }
            pre #rule-yaml tabindex="0" { code { (printable_lines(page.text)) } }
        }
    } };
    frame.with(&content).into_string()
}

/// A section with a list of texts; nothing if there are none.
fn texts<'t>(heading: &str, texts: impl Iterator<Item = &'t str>) -> Markup {
    let texts: Vec<&str> = texts.collect();
    html! {
        @if !texts.is_empty() {
            section { h2 { (heading) } ul.reasons { @for text in texts { li { (link_or_text(text)) } } } }
        }
    }
}

fn attacks(tags: &[String]) -> Markup {
    let ids: Vec<String> = tags.iter().filter_map(|tag| attack_id(tag)).collect();
    html! {
        @if !ids.is_empty() {
            section { h2 { "ATT&CK" } ul.tags { @for id in &ids { li { (attack_link(id)) } } } }
        }
    }
}

fn alerts(frame: Frame<'_>, page: &RulePage<'_>) -> Markup {
    html! {
        @if !page.alerts.is_empty() {
            h2 { (frame.words().newest_alerts) }
            ul.related {
                @for alert in page.alerts {
                    @let root = alert.root();
                    @let title = root.and_then(|root| root.text(path::MESSAGE)).unwrap_or_default();
                    li {
                        a href=(record_url(&At::from(alert.record.position))) { bdi { (cut(&title)) } } " "
                        @if let Some(time_ms) = root.and_then(|root| root.int(path::TIME)) { (moment(time_ms, frame.zone)) }
                    }
                }
            }
        }
    }
}
