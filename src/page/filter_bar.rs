//! The bar in which a reader says what to look for. It is a form, so it works without the script.

use maud::{Markup, html};

use super::asked::{ADDED, Asked, COLUMNS, Fault, TO, WHEN};
use super::chosen_columns::PageColumn;
use super::words::Words;
use crate::query::archive::{ACCESSES, Attribute, SENSITIVITIES, TEXT};
use crate::sigma::Level;
use crate::vendors::products;

/// What can be added as a condition on events.
pub const FILTERS: [Attribute; 15] = [
    Attribute::Actor,
    Attribute::Operation,
    Attribute::Service,
    Attribute::Resource,
    Attribute::ResourceType,
    Attribute::Address,
    Attribute::Status,
    Attribute::Access,
    Attribute::Sensitivity,
    Attribute::AccessKey,
    Attribute::Environment,
    Attribute::Product,
    Attribute::EventId,
    Attribute::Rule,
    Attribute::Level,
];

/// The spans of time that a click chooses.
pub(super) fn spans(words: &Words) -> [(&'static str, &'static str); 5] {
    [
        ("1h", words.last_hour),
        ("24h", words.last_day),
        ("7d", words.last_week),
        ("30d", words.last_month),
        ("", words.all_time),
    ]
}

/// What a condition is called.
pub(super) fn name_of(condition: &str, words: &Words) -> &'static str {
    match Attribute::ALL.into_iter().find(|of| of.name() == condition) {
        Some(Attribute::Access) => words.access,
        Some(Attribute::Actor) => words.actor,
        Some(Attribute::Service) => words.service,
        Some(Attribute::Operation) => words.operation,
        Some(Attribute::ResourceType) => words.resource_type,
        Some(Attribute::Resource) => words.resource,
        Some(Attribute::AccessKey) => words.access_key,
        Some(Attribute::Sensitivity) => words.sensitivity,
        Some(Attribute::EventId) => words.event_id,
        Some(Attribute::Address) => words.address,
        Some(Attribute::Status) => words.status,
        Some(Attribute::Product) => words.product,
        Some(Attribute::Environment) => words.environment,
        Some(Attribute::Rule) => words.rule,
        Some(Attribute::Level) => words.level,
        Some(Attribute::Reason) => words.reason,
        None if condition == TEXT => words.text,
        None => words.filter,
    }
}

/// The words that an attribute has, where it has few.
pub fn known_words(attribute: Attribute) -> Vec<&'static str> {
    match attribute {
        Attribute::Access => ACCESSES.to_vec(),
        Attribute::Sensitivity => SENSITIVITIES.to_vec(),
        Attribute::Level => Level::ALL.map(Level::as_str).to_vec(),
        Attribute::Product => products().collect(),
        Attribute::Status => vec!["Success", "Failure", "Unknown"],
        _ => Vec::new(),
    }
}

/// The bar of the list at `path`.
pub(super) fn filter_bar(
    path: &str,
    asked: &Asked,
    filters: &[Attribute],
    words: &Words,
) -> Markup {
    let href = |asked: &Asked| format!("{path}?{}", asked.query());
    let when = asked.when();
    html! {
        search {
            form.filters method="get" action=(path) {
                // What the fields of the form do not say.
                @for (name, value) in asked.conditions() {
                    input type="hidden" name=(name) value=(value);
                }
                @if asked.has_columns() {
                    @let chosen: Vec<&str> = asked.columns().iter().map(|column| column.name()).collect();
                    input type="hidden" name=(COLUMNS) value=(chosen.join(","));
                }
                div.row {
                    label.grow {
                        span { (words.search_text) }
                        input #search type="search" name=(TEXT) autocomplete="off" spellcheck="false";
                    }
                    label {
                        span { (words.when) }
                        input type="text" name=(WHEN) value=(when) placeholder=(words.when_hint) size="28"
                            autocomplete="off" spellcheck="false";
                    }
                    label {
                        span { (words.add_condition) }
                        select name=(ADDED.0) {
                            @for attribute in filters {
                                option value=(attribute.name()) { (name_of(attribute.name(), words)) }
                            }
                            option value="where" { (words.filter) }
                        }
                    }
                    label.grow {
                        span { (words.value) }
                        input type="text" name=(ADDED.1) list="values" autocomplete="off" spellcheck="false";
                    }
                    datalist #values {}
                    button type="submit" { (words.search) }
                }
            }
            // On paper there is no form that shows it.
            @if !when.is_empty() { p.on-paper { (words.when) ": " bdi { (crate::view::shown(&when)) } } }
            nav.spans aria-label=(words.when) {
                @for (span, text) in spans(words) {
                    a href=(href(&asked.in_span(span))) aria-current=[(when == span).then_some("true")] { (text) }
                }
            }
            @if !asked.conditions().is_empty() {
                ul.chips aria-label=(words.conditions) {
                    @for (number, (name, value)) in asked.conditions().iter().enumerate() {
                        li {
                            span.name { (name_of(name, words)) }
                            bdi { (crate::view::shown(value)) }
                            a href=(href(&asked.without(number)))
                                aria-label={ (words.remove) ": " (name_of(name, words)) " " (crate::view::shown(value)) } { "×" }
                        }
                    }
                    li.all { a href=(path) { (words.clear) } }
                }
            }
        }
    }
}

/// The choice of columns.
pub(super) fn column_choice(path: &str, asked: &Asked, words: &Words) -> Markup {
    html! {
        details.columns {
            summary { (words.columns) }
            ul {
                @for column in PageColumn::ALL {
                    @let is_shown = asked.columns().contains(&column);
                    li {
                        a href={ (path) "?" (asked.toggled(column).query()) } aria-current=[is_shown.then_some("true")] {
                            span.mark aria-hidden="true" { (if is_shown { "✓" } else { "" }) }
                            (column.heading(words))
                        }
                    }
                }
            }
        }
    }
}

/// What is wrong with the question.
pub(super) fn faults(faults: &[Fault], words: &Words) -> Markup {
    html! {
        @if !faults.is_empty() {
            div.fault role="alert" {
                @for fault in faults {
                    @let message = match (&*fault.message, fault.name) {
                        ("", WHEN) => words.fault_when,
                        ("", TO) => words.no_time,
                        ("", _) => words.fault_other,
                        (message, _) => message,
                    };
                    p { code { (fault.name) } " " bdi { (crate::view::shown(&fault.value)) } ": " (message) }
                }
            }
        }
    }
}
