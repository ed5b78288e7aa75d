//! The rights that an actor gave or took away, and those that others gave it or took from it: what is asked, and the newest
//! events of the answer.

use maud::{Markup, html};
use serde_json::json;

use super::asked::Asked;
use super::chosen_columns::PageColumn;
use super::frame::Frame;
use super::record_row::row;
use crate::query::archive::Attribute;
use crate::sigma::escaped;
use crate::view::Emitted;

/// The columns of the events.
const COLUMNS: [PageColumn; 5] = [
    PageColumn::Time,
    PageColumn::Actor,
    PageColumn::Operation,
    PageColumn::Resource,
    PageColumn::Outcome,
];

/// Whose deed it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantedBy {
    /// The actor gave rights to somebody, or took them away.
    Actor,
    /// Somebody else gave the actor rights, or took them away.
    Others,
}

impl GrantedBy {
    /// The question for all events with these operations.
    pub fn anybody(operations: &[String]) -> Asked {
        operations
            .iter()
            .fold(Asked::default(), |asked, operation| {
                asked.and(Attribute::Operation.name(), &escaped(operation))
            })
    }

    /// The question: `operations` are those that give or take rights, `names` are the ids and names of the actor.
    ///
    /// Vendors name who is given something in different members of a request, so any text of the event counts that is one of
    /// the names, also as `User:` and the name (Kafka's principals), or before an `@` (Alibaba Cloud's login names).
    pub fn asked(self, operations: &[String], names: &[String], when: &str) -> Asked {
        let asked = GrantedBy::anybody(operations);
        let asked = match self {
            GrantedBy::Actor => names.iter().fold(asked, |asked, name| {
                asked.and(Attribute::Actor.name(), &escaped(name))
            }),
            GrantedBy::Others => {
                let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
                let forms = names
                    .iter()
                    .flat_map(|name| [name.clone(), format!("User:{name}"), format!("{name}@*")]);
                let forms: Vec<String> = forms.collect();
                // JSON is YAML.
                let filter = json!({
                    "named": forms,
                    "own": [{"actor.user.uid": names}, {"actor.user.name": names}],
                    "condition": "named and not own",
                });
                asked.and("where", &filter.to_string())
            }
        };
        asked.in_span(when)
    }
}

/// The newest events in which rights were given or taken away.
pub struct Grants<'p> {
    /// Whose deeds they were.
    pub by: GrantedBy,
    /// The question that finds all of them.
    pub asked: Asked,
    /// The newest ones.
    pub events: Vec<Emitted<'p>>,
}

impl Grants<'_> {
    pub(super) fn markup(&self, frame: Frame<'_>) -> Markup {
        let words = frame.words();
        let title = match self.by {
            GrantedBy::Actor => words.grants_given,
            GrantedBy::Others => words.grants_received,
        };
        html! {
            section.grants {
                h2 { (title) }
                div.table {
                    table.records {
                        thead { tr { @for column in COLUMNS { th scope="col" class=(column.name()) { (column.heading(words)) } } } }
                        tbody { @for event in &self.events { (row(event, &COLUMNS, (frame.zone, words))) } }
                    }
                }
                p { a href={ "/events?" (self.asked.query()) } { (words.all_its_events) } }
            }
        }
    }
}
