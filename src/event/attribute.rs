//! Every OCSF attribute that a rule can name, and how its values are found in an event. The encoder writes the same
//! attributes.

use std::ops::ControlFlow;

use super::audit_event::{AuditEvent, Authorization, Resource, UserKind};
use super::place::Place;
use crate::json::{Text, Written};
use crate::sigma::{Value, Visit};

pub(super) type Visited = ControlFlow<()>;

/// How the values of an attribute are found.
#[derive(Debug)]
pub(super) enum Attribute {
    /// In the event.
    Event(fn(&AuditEvent<'_>, &mut Visit<'_>) -> Visited),
    /// In each of its resources.
    Resource(for<'e> fn(&'e Resource<'_>) -> Option<&'e str>),
    /// In each of its authorizations.
    Authorization(for<'e> fn(&'e Authorization<'_>) -> Option<&'e str>),
    /// The member of this name in the data of each of its enrichments.
    Enrichment(&'static str),
}

impl Attribute {
    /// Visits its values.
    pub(super) fn visit(&self, event: &AuditEvent<'_>, visit: &mut Visit<'_>) -> Visited {
        match self {
            Attribute::Event(values) => values(event, visit),
            Attribute::Resource(part) => each(&event.resources, visit, part),
            Attribute::Authorization(part) => each(&event.authorizations, visit, part),
            Attribute::Enrichment(name) => {
                let mut enrichments = event.all_enrichments();
                enrichments.try_for_each(|one| member(one.data, name, visit))
            }
        }
    }
}

pub(super) fn text(value: Option<&Text<'_>>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |text| {
        visit(Value::String(text.as_ref()))
    })
}

pub(super) fn word(value: Option<&str>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |word| visit(Value::String(word)))
}

fn int(value: Option<i64>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |int| visit(Value::Int(int)))
}

fn number(value: Option<&Written>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |number| {
        visit(Value::Number(number.as_str()))
    })
}

fn flag(value: Option<bool>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |flag| visit(Value::Bool(flag)))
}

/// The member of that name, if it is a text or a truth value.
pub(super) fn member(data: &Written, name: &str, visit: &mut Visit<'_>) -> Visited {
    match data.member(name) {
        Some(value) => match value.text() {
            Some(text) => visit(Value::String(&text)),
            None => flag(value.flag(), visit),
        },
        None => ControlFlow::Continue(()),
    }
}

fn each<'e, T: 'e>(
    items: impl IntoIterator<Item = &'e T>,
    visit: &mut Visit<'_>,
    of: impl Fn(&'e T) -> Option<&'e str>,
) -> Visited {
    for item in items {
        word(of(item), visit)?;
    }
    ControlFlow::Continue(())
}

/// Every OCSF attribute that a rule can name; the encoder writes the same ones.
pub(super) static ATTRIBUTES: &[(&str, Attribute)] = &[
    (
        "activity_id",
        Attribute::Event(|e, v| v(Value::Int(e.class.activity(e.activity).0))),
    ),
    (
        "activity_name",
        Attribute::Event(|e, v| v(Value::String(e.class.activity(e.activity).1))),
    ),
    (
        "actor.app_name",
        Attribute::Event(|e, v| text(e.app_name.as_ref(), v)),
    ),
    (
        "actor.authorizations.decision",
        Attribute::Authorization(|a| a.decision.as_deref()),
    ),
    (
        "actor.authorizations.policy.name",
        Attribute::Authorization(|a| a.policy_name.as_deref()),
    ),
    (
        "actor.authorizations.policy.type",
        Attribute::Authorization(|a| a.policy_kind.as_deref()),
    ),
    (
        "actor.invoked_by",
        Attribute::Event(|e, v| text(e.invoked_by.as_ref(), v)),
    ),
    (
        "actor.session.created_time",
        Attribute::Event(|e, v| int(e.session.created_ms, v)),
    ),
    (
        "actor.session.is_mfa",
        Attribute::Event(|e, v| flag(e.session.is_mfa, v)),
    ),
    (
        "actor.session.issuer",
        Attribute::Event(|e, v| text(e.session.issuer.as_ref(), v)),
    ),
    (
        "actor.session.uid",
        Attribute::Event(|e, v| text(e.session.uid.as_ref(), v)),
    ),
    (
        "actor.user.account.name",
        Attribute::Event(user_account_name),
    ),
    ("actor.user.account.uid", Attribute::Event(user_account)),
    (
        "actor.user.credential_uid",
        Attribute::Event(user_credential),
    ),
    ("actor.user.email_addr", Attribute::Event(user_email)),
    ("actor.user.groups.name", Attribute::Event(user_team)),
    ("actor.user.name", Attribute::Event(user_name)),
    ("actor.user.type", Attribute::Event(user_type)),
    ("actor.user.type_id", Attribute::Event(user_type_id)),
    ("actor.user.uid", Attribute::Event(user_uid)),
    ("actor.user.uid_alt", Attribute::Event(user_uid_alt)),
    (
        "api.group.name",
        Attribute::Event(|e, v| text(e.api.group_name.as_ref(), v)),
    ),
    (
        "api.operation",
        Attribute::Event(|e, v| v(Value::String(&e.api.operation))),
    ),
    (
        "api.request.uid",
        Attribute::Event(|e, v| text(e.api.request_uid.as_ref(), v)),
    ),
    (
        "api.response.error",
        Attribute::Event(|e, v| text(e.api.response_error.as_ref(), v)),
    ),
    (
        "api.response.error_message",
        Attribute::Event(|e, v| text(e.api.response_error_message.as_ref(), v)),
    ),
    (
        "api.service.name",
        Attribute::Event(|e, v| text(e.api.service_name.as_ref(), v)),
    ),
    (
        "api.service.uid",
        Attribute::Event(|e, v| text(e.api.service_uid.as_ref(), v)),
    ),
    (
        "api.version",
        Attribute::Event(|e, v| text(e.api.version.as_ref(), v)),
    ),
    (
        "auth_protocol",
        Attribute::Event(|e, v| text(e.auth_protocol.as_ref(), v)),
    ),
    (
        "category_name",
        Attribute::Event(|e, v| v(Value::String(e.class.category_name))),
    ),
    (
        "category_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.category_uid()))),
    ),
    (
        "class_name",
        Attribute::Event(|e, v| v(Value::String(e.class.name))),
    ),
    (
        "class_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.uid))),
    ),
    (
        "cloud.account.name",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.account_name.as_ref()), v)),
    ),
    (
        "cloud.account.uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.account_uid.as_ref()), v)),
    ),
    (
        "cloud.org.name",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.org_name.as_ref()), v)),
    ),
    (
        "cloud.org.uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.org_uid.as_ref()), v)),
    ),
    (
        "cloud.project_uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.project_uid.as_ref()), v)),
    ),
    (
        "cloud.provider",
        Attribute::Event(|e, v| text(e.cloud.as_ref().map(|c| &c.provider), v)),
    ),
    (
        "cloud.region",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.region.as_ref()), v)),
    ),
    ("enrichments.data.client", Attribute::Enrichment("client")),
    (
        "enrichments.data.client_version",
        Attribute::Enrichment("client_version"),
    ),
    (
        "enrichments.data.environment",
        Attribute::Enrichment("environment"),
    ),
    ("enrichments.data.network", Attribute::Enrichment("network")),
    ("enrichments.data.trusted", Attribute::Enrichment("trusted")),
    (
        "http_request.user_agent",
        Attribute::Event(|e, v| text(e.user_agent.as_ref(), v)),
    ),
    ("is_mfa", Attribute::Event(|e, v| flag(e.is_mfa(), v))),
    (
        "message",
        Attribute::Event(|e, v| text(e.message.as_ref(), v)),
    ),
    (
        "metadata.correlation_uid",
        Attribute::Event(|e, v| text(e.metadata.correlation_uid.as_ref(), v)),
    ),
    (
        "metadata.event_code",
        Attribute::Event(|e, v| text(e.metadata.event_code.as_ref(), v)),
    ),
    (
        "metadata.labels",
        Attribute::Event(|e, v| each(&e.metadata.labels, v, |l| Some(l))),
    ),
    (
        "metadata.log_name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.log_name))),
    ),
    (
        "metadata.original_time",
        Attribute::Event(|e, v| text(e.metadata.original_time.as_ref(), v)),
    ),
    (
        "metadata.product.name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.product_name))),
    ),
    (
        "metadata.product.vendor_name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.vendor_name))),
    ),
    (
        "metadata.source",
        Attribute::Event(|e, v| text(e.metadata.source.as_ref(), v)),
    ),
    (
        "metadata.uid",
        Attribute::Event(|e, v| text(e.metadata.uid.as_ref(), v)),
    ),
    (
        "resources.group.name",
        Attribute::Resource(|r| r.team.as_deref()),
    ),
    ("resources.name", Attribute::Resource(|r| r.name.as_deref())),
    (
        "resources.namespace",
        Attribute::Resource(|r| r.namespace.as_deref()),
    ),
    (
        "resources.owner.name",
        Attribute::Resource(|r| r.owner.as_deref()),
    ),
    (
        "resources.region",
        Attribute::Resource(|r| r.region.as_deref()),
    ),
    ("resources.type", Attribute::Resource(|r| r.kind.as_deref())),
    ("resources.uid", Attribute::Resource(|r| r.uid.as_deref())),
    (
        "resources.uid_alt",
        Attribute::Resource(|r| r.uid_alt.as_deref()),
    ),
    (
        "src_endpoint.autonomous_system.name",
        Attribute::Event(|e, v| word(place(e).and_then(|p| p.as_name.as_deref()), v)),
    ),
    (
        "src_endpoint.autonomous_system.number",
        Attribute::Event(|e, v| int(place(e).and_then(|p| p.as_number).map(i64::from), v)),
    ),
    (
        "src_endpoint.ip",
        Attribute::Event(|e, v| text(e.src_endpoint.ip.as_ref(), v)),
    ),
    (
        "src_endpoint.location.city",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.city.as_deref()), v)),
    ),
    (
        "src_endpoint.location.continent",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.continent.as_deref()), v)),
    ),
    (
        "src_endpoint.location.country",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.country.as_deref()), v)),
    ),
    (
        "src_endpoint.location.lat",
        Attribute::Event(|e, v| number(coordinates(e).map(|(lat, _)| lat), v)),
    ),
    (
        "src_endpoint.location.long",
        Attribute::Event(|e, v| number(coordinates(e).map(|(_, long)| long), v)),
    ),
    (
        "src_endpoint.location.region",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.region.as_deref()), v)),
    ),
    (
        "src_endpoint.name",
        Attribute::Event(|e, v| text(e.src_endpoint.name.as_ref(), v)),
    ),
    (
        "src_endpoint.owner.name",
        Attribute::Event(|e, v| text(e.src_endpoint.owner.as_ref(), v)),
    ),
    (
        "src_endpoint.port",
        Attribute::Event(|e, v| int(e.src_endpoint.port.map(i64::from), v)),
    ),
    (
        "src_endpoint.vpc_uid",
        Attribute::Event(|e, v| text(e.src_endpoint.vpc_uid.as_ref(), v)),
    ),
    (
        "src_endpoint.zone",
        Attribute::Event(|e, v| text(e.src_endpoint.zone.as_ref(), v)),
    ),
    (
        "status",
        Attribute::Event(|e, v| v(Value::String(e.status.name()))),
    ),
    (
        "status_code",
        Attribute::Event(|e, v| text(e.status_code.as_ref(), v)),
    ),
    (
        "status_detail",
        Attribute::Event(|e, v| text(e.status_detail.as_ref(), v)),
    ),
    (
        "status_id",
        Attribute::Event(|e, v| v(Value::Int(e.status.id()))),
    ),
    ("time", Attribute::Event(|e, v| v(Value::Int(e.time_ms)))),
    (
        "type_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.type_uid(e.activity)))),
    ),
    ("user.account.name", Attribute::Event(user_account_name)),
    ("user.account.uid", Attribute::Event(user_account)),
    ("user.credential_uid", Attribute::Event(user_credential)),
    ("user.email_addr", Attribute::Event(user_email)),
    ("user.groups.name", Attribute::Event(user_team)),
    ("user.name", Attribute::Event(user_name)),
    ("user.type", Attribute::Event(user_type)),
    ("user.type_id", Attribute::Event(user_type_id)),
    ("user.uid", Attribute::Event(user_uid)),
    ("user.uid_alt", Attribute::Event(user_uid_alt)),
];

fn place<'e>(e: &'e AuditEvent<'_>) -> Option<&'e Place> {
    e.src_endpoint.place.as_deref()
}
fn location<'e>(e: &'e AuditEvent<'_>) -> Option<&'e Place> {
    place(e).filter(|place| place.has_location())
}
fn coordinates<'e>(e: &'e AuditEvent<'_>) -> Option<&'e (Written, Written)> {
    location(e)?.coordinates.as_ref()
}

fn user_account(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.account_uid.as_ref(), v)
}
fn user_account_name(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.account_name.as_ref(), v)
}
fn user_uid(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.uid.as_ref(), v)
}
fn user_uid_alt(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.uid_alt.as_ref(), v)
}
fn user_name(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.name.as_ref(), v)
}
fn user_email(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.email_addr.as_ref(), v)
}
fn user_credential(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.credential_uid.as_ref(), v)
}
fn user_team(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.team.as_ref(), v)
}
fn user_type(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    word(e.user.kind.map(|kind| kind.name()), v)
}
fn user_type_id(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    int(e.user.kind.map(UserKind::id), v)
}
