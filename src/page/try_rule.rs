//! The page on which a rule is tried on the archive: the form, and what the rule would have done.

use maud::{Markup, html};

use super::chosen_columns::PageColumn;
use super::form_token::form_token;
use super::frame::Frame;
use super::histogram::grouped;
use super::record_row::{cut, row};
use super::rules::rule_url;
use super::sparkline::sparkline;
use crate::archive::day_text;
use crate::diagnostic::Diagnostic;
use crate::query::archive::TriedSoFar;
use crate::rules::TRIED;
use crate::view::{Emitted, shown};

/// The path of the page.
const PATH: &str = "/rules/try";

/// Days that a rule is tried on unless the reader chooses others, and most of them.
pub const TRIED_DAYS: (u32, u32) = (7, 90);

/// What stands in the form.
pub struct TryForm<'p> {
    /// The rule as YAML.
    pub text: &'p str,
    /// The number of days.
    pub days: &'p str,
    /// Whether fields are hidden from the reader.
    pub is_hidden: bool,
    /// What is wrong with the rule.
    pub faults: &'p [Diagnostic],
    /// What is probably not meant.
    pub warnings: &'p [Diagnostic],
    /// What else is wrong.
    pub problems: &'p [String],
    /// Whether an answer follows.
    pub is_tried: bool,
}

/// What the rule would have done.
pub struct TryAnswer<'p> {
    /// What was found.
    pub found: &'p TriedSoFar,
    /// The first day and the last one that were asked for, in days since the Unix epoch; `None` if there are no events.
    pub days: Option<(i32, i32)>,
    /// Whether the alerts of the rule notify nobody.
    pub is_experimental: bool,
    /// Why there is no whole answer.
    pub problem: Option<String>,
    /// What the reader must know.
    pub notes: &'p [String],
}

/// The heading and the form, which the answer follows.
pub fn try_form(frame: Frame<'_>, form: &TryForm<'_>) -> Markup {
    let words = frame.words();
    let (_, most) = TRIED_DAYS;
    // The answer is to be seen without scrolling.
    let rows = if form.is_tried { 10 } else { 20 };
    html! {
        h1 { (words.try_rule) }
        p { (words.try_hint) }
        p.faint { (words.try_filters) }
        @if form.is_hidden { p.note { (words.tried_hidden) } }
        @if !form.faults.is_empty() || !form.problems.is_empty() {
            div.fault role="alert" {
                p { strong { (words.rule_has_faults) } }
                @for problem in form.problems { p { (shown(problem)) } }
                @if !form.faults.is_empty() { ul { @for fault in form.faults { li { (diagnostic(frame, fault)) } } } }
            }
        }
        form.triage.try method="post" action=(PATH) {
            (form_token(frame.form_token))
            label.grow {
                span { (words.rule_as_yaml) }
                textarea.yaml name="rule" rows=(rows) cols="80" spellcheck="false" autocomplete="off" required { "\n" (form.text) }
            }
            div.row {
                label {
                    span { (words.days_back) }
                    input type="number" name="days" min="1" max=(most) value=(form.days) required;
                }
                button type="submit" { (words.try_button) }
            }
        }
        @if !form.warnings.is_empty() {
            ul.note { @for warning in form.warnings { li { (diagnostic(frame, warning)) } } }
        }
        @if form.is_tried { p.faint role="status" { (words.trying) } }
    }
}

/// A fault as `watchbell validate` says it: of the rule with its line, of another file with its name.
fn diagnostic(frame: Frame<'_>, diagnostic: &Diagnostic) -> Markup {
    let mark = diagnostic.problem.mark;
    let place = match &*diagnostic.file {
        TRIED => format!("{} {}:{}", frame.words().rule_line, mark.line, mark.column),
        file => format!("{file}:{}:{}", mark.line, mark.column),
    };
    let text = diagnostic.problem.to_string();
    html! { code { (shown(&place)) } @for line in text.lines() { " " bdi { (shown(line.trim())) } } }
}

/// What the rule would have done.
pub fn try_answer(frame: Frame<'_>, answer: &TryAnswer<'_>) -> Markup {
    let (words, found) = (frame.words(), answer.found);
    let problem = html! {
        @if let Some(problem) = &answer.problem {
            div.fault role="alert" { p { (words.cannot_be_read) " " (shown(problem)) } }
        }
    };
    let Some((first, last)) = answer.days else {
        let is_empty = answer.problem.is_none();
        return html! { (problem) @if is_empty { div.empty { p { (words.tried_nothing) } } } };
    };
    let (groups, has_more) = found.groups();
    html! {
        section #tried {
            h2 { (words.from_day) " " (day_text(first)) " " (words.until_now) " " (day_text(last)) }
            @for note in answer.notes { p.note { (shown(note)) } }
            (problem)
            ul.tried {
                li data-count="matches" { strong { (grouped(found.matches)) } " " (words.tried_matches) }
                @if found.suppressed > 0 {
                    li data-count="suppressed" { strong { (grouped(found.suppressed)) } " " (words.tried_suppressed) }
                }
                li data-count="groups" {
                    strong { (grouped(groups as u64)) } " "
                    @if has_more { (words.tried_incidents_more) " " } (words.tried_incidents)
                }
                li data-count="events" { strong { (grouped(found.events)) } " " (words.tried_events) }
            }
            (reach(frame, found))
            @if answer.is_experimental { p.note { (words.tried_experimental) } }
            @if found.matches > 0 {
                h2 { (words.alerts_per_day) }
                p.wide { (sparkline(&found.days, (last, last - first + 1), words.alerts)) }
                (per_day(found))
                (also(frame, found))
                (newest(frame, found))
            } @else { div.empty { p { (words.tried_none) } } }
        }
    }
}

/// Whether all events were looked at, and which were not.
fn reach(frame: Frame<'_>, found: &TriedSoFar) -> Markup {
    let words = frame.words();
    html! {
        @match (found.is_whole, found.whole_from) {
            (true, _) => p.faint { (words.tried_whole) },
            (false, Some(day)) => p.note { (words.tried_part) " " (day_text(day)) },
            (false, None) => p.note { (words.tried_part_of_day) },
        }
    }
}

/// The days with any, as text.
fn per_day(found: &TriedSoFar) -> Markup {
    html! {
        ul.tags { @for (day, count) in found.days.iter().rev() { li { (day_text(*day)) ": " (grouped(*count)) } } }
    }
}

fn also(frame: Frame<'_>, found: &TriedSoFar) -> Markup {
    let mut also: Vec<_> = found.also.iter().collect();
    also.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
    html! {
        @if !also.is_empty() {
            h2 { (frame.words().tried_also) }
            ul.related #also {
                @for (id, (title, count)) in also {
                    li { a href=(rule_url(id.as_str())) { bdi { (cut(title)) } } ": " (grouped(*count)) }
                }
            }
        }
    }
}

fn newest(frame: Frame<'_>, found: &TriedSoFar) -> Markup {
    let words = frame.words();
    let columns = PageColumn::DEFAULT;
    html! {
        h2 { (words.tried_newest) }
        div.table {
            table.records {
                thead { tr { @for column in columns { th scope="col" class=(column.name()) { (column.heading(words)) } } } }
                tbody { @for one in &found.newest { (row(&Emitted::new(one.record.record()), columns, (frame.zone, words))) } }
            }
        }
    }
}
