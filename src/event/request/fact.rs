//! What rules can ask of a request: the kinds of facts, their members, and the paths at which rules name them.

use std::ops::ControlFlow;

use crate::sigma::Value;

/// A kind of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactKind {
    /// Named values, such as the settings of a topic.
    Settings,
    /// The roles that are given or taken.
    Roles,
    /// What access control entries and role bindings are about.
    Grants,
    /// In whose name something is done, or to whom it belongs.
    Principals,
    /// Networks and addresses.
    Networks,
    /// Filters on the claims of tokens.
    Filters,
}

/// A kind of facts with a member of them; without one, the fact has one value.
pub(crate) type FactMember = (FactKind, &'static str);

/// Every path at which a rule finds facts, in alphabetical order.
pub(crate) static FACTS: [(&str, FactMember); 19] = [
    (
        "api.request.filters.expression",
        (FactKind::Filters, EXPRESSION),
    ),
    ("api.request.filters.matches", (FactKind::Filters, MATCHES)),
    (
        "api.request.grants.operation",
        (FactKind::Grants, OPERATION),
    ),
    (
        "api.request.grants.pattern_type",
        (FactKind::Grants, PATTERN_TYPE),
    ),
    (
        "api.request.grants.permission",
        (FactKind::Grants, PERMISSION),
    ),
    (
        "api.request.grants.principal",
        (FactKind::Grants, PRINCIPAL),
    ),
    (
        "api.request.grants.resource_name",
        (FactKind::Grants, RESOURCE_NAME),
    ),
    (
        "api.request.grants.resource_type",
        (FactKind::Grants, RESOURCE_TYPE),
    ),
    ("api.request.networks.cidr", (FactKind::Networks, CIDR)),
    (
        "api.request.networks.prefix_length",
        (FactKind::Networks, PREFIX_LENGTH),
    ),
    (
        "api.request.networks.version",
        (FactKind::Networks, VERSION),
    ),
    (
        "api.request.principals.is_actor",
        (FactKind::Principals, IS_ACTOR),
    ),
    (
        "api.request.principals.relation",
        (FactKind::Principals, RELATION),
    ),
    ("api.request.principals.type", (FactKind::Principals, TYPE)),
    ("api.request.principals.uid", (FactKind::Principals, UID)),
    ("api.request.roles", (FactKind::Roles, ROLE)),
    ("api.request.settings.name", (FactKind::Settings, NAME)),
    (
        "api.request.settings.operation",
        (FactKind::Settings, OPERATION),
    ),
    ("api.request.settings.value", (FactKind::Settings, VALUE)),
];

pub(super) const CIDR: &str = "cidr";
pub(super) const EXPRESSION: &str = "expression";
pub(super) const IS_ACTOR: &str = "is_actor";
pub(super) const MATCHES: &str = "matches";
pub(super) const NAME: &str = "name";
pub(super) const OPERATION: &str = "operation";
pub(super) const PATTERN_TYPE: &str = "pattern_type";
pub(super) const PERMISSION: &str = "permission";
pub(super) const PREFIX_LENGTH: &str = "prefix_length";
pub(super) const PRINCIPAL: &str = "principal";
pub(super) const RELATION: &str = "relation";
pub(super) const RESOURCE_NAME: &str = "resource_name";
pub(super) const RESOURCE_TYPE: &str = "resource_type";
pub(super) const ROLE: &str = "";
pub(super) const TYPE: &str = "type";
pub(super) const UID: &str = "uid";
pub(super) const VALUE: &str = "value";
pub(super) const VERSION: &str = "version";

/// The number of segments of the name of a list of facts, such as `api.request.settings`.
pub(crate) const DEPTH: usize = 3;

pub(super) type Visited = ControlFlow<()>;

/// The members of a fact with their values; a member may have several.
pub(crate) type Fact<'f> = [(&'static str, Value<'f>)];

/// Receives facts one by one; `Break` ends the reading.
pub(crate) type GiveFact<'g> = dyn FnMut(&Fact<'_>) -> Visited + 'g;

/// Gives the values of a member of a fact.
pub(crate) fn values(
    fact: &Fact<'_>,
    member: &str,
    visit: &mut dyn FnMut(Value<'_>) -> Visited,
) -> Visited {
    let mut members = fact.iter().filter(|(name, _)| *name == member);
    members.try_for_each(|(_, value)| visit(*value))
}
