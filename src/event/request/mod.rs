//! What a request says, in whatever shape it says it: the settings, roles, access control entries, principals, networks
//! and filters in the data of a request, under one name each. Rules name them as they name attributes.
//! They are read when a rule asks for them and are not kept: an event of which nobody asks costs nothing. They are not
//! written either, since the request stays where it is.
//! Invariant: a reading takes time proportional to the request, and gives one fact at a time.

mod fact;
mod filters;
mod grants;
mod names;
mod networks;
mod object;
mod patch;
mod principals;
mod reading;
mod roles;
mod settings;
mod text;

use std::borrow::Cow;

use crate::json::{Document, NodeId};
use crate::sigma::Value;

pub(crate) use fact::{DEPTH, FACTS, FactKind, FactMember, GiveFact, values};

use fact::{Fact, Visited};
use reading::{Reader, read};

/// The data of a request, to be read.
pub(crate) struct Request<'r, 'a> {
    /// Where it is.
    pub(crate) document: &'r Document<'a>,
    /// Its data, in each reading of the event that has some.
    pub(crate) data: &'r [NodeId],
    /// Members that are left out, in document order: those whose name is repeated, in a search for what every reading
    /// of the event has.
    pub(crate) left_out: &'r [NodeId],
    /// The identifiers of whoever makes the request.
    pub(crate) actor: &'r [Cow<'r, str>],
}

impl Request<'_, '_> {
    fn give(&self, reader: &mut dyn Reader) -> Visited {
        read(self.document, self.data, self.left_out, reader)
    }

    /// Gives each fact of a kind.
    pub(crate) fn facts(&self, kind: FactKind, give: &mut GiveFact<'_>) -> Visited {
        match kind {
            FactKind::Settings => self.give(&mut settings::Settings::new(give)),
            FactKind::Roles => self.give(&mut roles::Roles::new(give)),
            FactKind::Grants => self.give(&mut grants::Grants::new(give)),
            FactKind::Principals => self.give(&mut principals::Principals::new(give, self.actor)),
            FactKind::Networks => {
                let mut networks = networks::Networks::new(give);
                self.give(&mut networks)?;
                networks.together()
            }
            FactKind::Filters => {
                let mut filters = |fact: &Fact<'_>| filters::of_setting(fact, give);
                self.give(&mut settings::Settings::new(&mut filters))
            }
        }
    }
}

/// Every value that a member of a fact can have; empty if it can have others.
pub(crate) fn closed_values(field: &str) -> Vec<Value<'static>> {
    let texts = |texts: &[&'static str]| texts.iter().copied().map(Value::String).collect();
    let fact = FACTS.iter().find(|(path, _)| *path == field);
    match fact.map(|(_, fact)| *fact) {
        Some((FactKind::Settings, fact::OPERATION)) => texts(&settings::DONE),
        Some((FactKind::Grants, member)) => texts(&grants::closed(member)),
        Some((FactKind::Principals, fact::RELATION)) => texts(&principals::RELATIONS),
        Some((FactKind::Principals, fact::TYPE)) => texts(&principals::TYPES),
        Some((FactKind::Principals, fact::IS_ACTOR)) => [true, false].map(Value::Bool).into(),
        Some((FactKind::Networks, fact::VERSION)) => [4, 6].map(Value::Int).into(),
        Some((FactKind::Filters, fact::MATCHES)) => texts(&filters::MATCHED),
        _ => Vec::new(),
    }
}

/// Whether a field is a fact, read from the data of a request.
pub(crate) fn is_fact(field: &str) -> bool {
    FACTS.iter().any(|(path, _)| *path == field)
}

#[cfg(test)]
mod tests;
