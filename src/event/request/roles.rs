//! Roles that are given or taken: those of Confluent wherever they stand but where a resource or a principal is named,
//! and others where a member says that it holds a role.

use std::ops::ControlFlow;

use super::fact::{GiveFact, ROLE, Visited};
use super::names::{Name, folded};
use super::object::Object;
use super::reading::{Place, Reader};
use crate::sigma::Value;

/// The roles of Confluent.
const ROLES: [&str; 24] = [
    "AccessAdmin",
    "AccountAdmin",
    "Assigner",
    "AuditAdmin",
    "BillingAdmin",
    "CloudClusterAdmin",
    "ClusterAdmin",
    "ConnectManager",
    "DataDiscovery",
    "DataSteward",
    "DeveloperManage",
    "DeveloperRead",
    "DeveloperWrite",
    "EnvironmentAdmin",
    "FlinkAdmin",
    "FlinkDeveloper",
    "KsqlAdmin",
    "MetricsViewer",
    "NetworkAdmin",
    "Operator",
    "OrganizationAdmin",
    "ResourceKeyAdmin",
    "ResourceOwner",
    "SystemAdmin",
];

/// Roles of Confluent Platform alone.
const ROLES_OF_PLATFORM: [&str; 2] = ["SecurityAdmin", "UserAdmin"];

/// Whose name, beside that of a role, a member with one of these words holds.
const OTHERS: [&str; 11] = [
    "cluster",
    "crn",
    "entity",
    "environment",
    "group",
    "pattern",
    "principal",
    "resource",
    "subject",
    "topic",
    "user",
];

/// Members that hold a name of whatever the object is.
const OF_OBJECT: [&str; 4] = ["id", "name", "value", "values"];

/// Gives the roles of a request.
pub(super) struct Roles<'g, 'f> {
    give: &'g mut GiveFact<'f>,
}

impl<'g, 'f> Roles<'g, 'f> {
    pub(super) fn new(give: &'g mut GiveFact<'f>) -> Self {
        Roles { give }
    }

    fn role(&mut self, role: &str) -> Visited {
        (self.give)(&[(ROLE, Value::String(role))])
    }
}

impl Reader for Roles<'_, '_> {
    /// A role may be the name of a member: `{"OrganizationAdmin": ["u-1"]}`.
    fn object(&mut self, names: &[Name], object: Object<'_, '_>) -> Visited {
        if names.last().is_some_and(is_of_others) {
            return ControlFlow::Continue(());
        }
        for (name, member) in object.members() {
            let Some(role) = known(&folded(&name)) else {
                continue;
            };
            if !object.is_off(member) {
                self.role(role)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn value(&mut self, place: Place<'_>, value: Value<'_>) -> Visited {
        let Value::String(text) = value else {
            return ControlFlow::Continue(());
        };
        let standing = standing(place);
        if standing == Standing::Other {
            return ControlFlow::Continue(());
        }
        let mut found = false;
        for piece in text.split(|c: char| ",;\"'[](){}:/&|?\n".contains(c)) {
            let (of, piece) = piece.split_once('=').unwrap_or(("role", piece));
            if !folded(of).contains("role") {
                continue;
            }
            // The whole piece, whatever blanks and invisible characters are in it, or else one of its words.
            let is_beside = |c: char| !c.is_alphanumeric() && c != '_' && c != '-';
            let mut words = std::iter::once(piece).chain(piece.split(is_beside));
            if let Some(role) = words.find_map(|word| known(&folded(word))) {
                found = true;
                self.role(role)?;
            }
        }
        match found || standing != Standing::Role || text.is_empty() {
            true => ControlFlow::Continue(()),
            false => self.role(text),
        }
    }
}

/// What stands in a place.
#[derive(PartialEq, Eq)]
enum Standing {
    /// A role, whichever.
    Role,
    /// The name of something else.
    Other,
    /// A role if it is a known one.
    Any,
}

fn standing(place: Place<'_>) -> Standing {
    let Some((last, before)) = place.names.split_last() else {
        return Standing::Any;
    };
    let says_role = |name: &Name| name.folded().contains("role") && !is_of_others(name);
    if says_role(last) {
        return Standing::Role;
    }
    if last.is_for_people() || is_of_others(last) {
        return Standing::Other;
    }
    if !OF_OBJECT.contains(&last.folded()) {
        return Standing::Any;
    }
    match before.last() {
        Some(parent) if says_role(parent) => Standing::Role,
        Some(parent) if is_of_others(parent) => Standing::Other,
        _ if place.is_of_resource() => Standing::Other,
        _ => Standing::Any,
    }
}

/// Whether what a member holds is the name of a resource or a principal. A binding of roles is neither.
fn is_of_others(name: &Name) -> bool {
    let name = name.folded();
    !name.contains("role") && OTHERS.iter().any(|other| name.contains(other))
}

/// The role of this folded name.
fn known(folded: &str) -> Option<&'static str> {
    // No role has a longer name.
    if folded.len() > 20 {
        return None;
    }
    let mut roles = ROLES.iter().chain(&ROLES_OF_PLATFORM);
    roles
        .find(|role| role.eq_ignore_ascii_case(folded))
        .copied()
}
