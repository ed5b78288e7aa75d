//! The columns that are taken from an event: of a row of events the event itself, of an alert its evidence.

use std::borrow::Cow;

use crate::archive::column::{Cell, Column, ColumnType, Lookup, Source, Value};
use crate::archive::event_parts::{EventParts, Place};
use crate::json::Name;
use crate::vendors::dialect_of_log_name;
use crate::view::JsonPart;

/// A column with a text of the event.
const fn text(name: &'static str, about: &'static str, value: Value) -> Column {
    Column::new(name, ColumnType::Text, about, value)
}

/// The text at the first of these paths of the event that has one.
macro_rules! at {
    ($($path:literal),+) => {
        |source| match &source.event {
            Some(event) => Cell::text(None$(.or_else(|| event.text(const { Place::of($path) })))+),
            None => Cell::Null,
        }
    };
}

pub(super) const EVENT_ID: Column = text(
    "event_id",
    "The vendor's id of the event; where it has none, its position in the source.",
    at!("metadata.uid"),
)
.lookup(Lookup::Exact)
.distinct();

pub(super) const CLASS: Column = text("class", "OCSF `class_name`.", at!("class_name"));

pub(super) const PRODUCT: Column = text(
    "product",
    "The vendor, by the word that `logsource: product` of rules has: confluent, actiontrail, redpanda.",
    |source| match &source.event {
        Some(event) => product(event),
        None => Cell::Null,
    },
);

pub(super) const SERVICE: Column = text(
    "service",
    "The audited service, OCSF `api.service.name`, of a login `service.name`.",
    at!(
        "api.service.name",
        "unmapped.api.service.name",
        "service.name"
    ),
);

pub(super) const MODULE: Column = text(
    "module",
    "The part of the service, OCSF `api.group.name`.",
    at!("api.group.name", "unmapped.api.group.name"),
);

pub(super) const OPERATION: Column = text(
    "operation",
    "The method, OCSF `api.operation`.",
    at!("api.operation", "unmapped.api.operation"),
)
.lookup(Lookup::Range);

pub(super) const EVENT_CODE: Column = text(
    "event_code",
    "The vendor's type of the event, OCSF `metadata.event_code`.",
    at!("metadata.event_code"),
);

pub(super) const ACTIVITY: Column = text(
    "activity",
    "OCSF `activity_name`: Create, Read, Update, Delete, Logon and others.",
    at!("activity_name"),
);

pub(super) const ACCESS: Column = text("access", "read or write.", |source| {
    label(source, "access:")
});

pub(super) const SENSITIVITY: Column = text(
    "sensitivity",
    "low, medium or high, by the catalogue.",
    |source| label(source, "sensitivity:"),
);

pub(super) const STATUS: Column = text("status", "OCSF `status`: Success, Failure.", at!("status"));

pub(super) const STATUS_CODE: Column = text(
    "status_code",
    "The vendor's code of the outcome.",
    at!("status_code"),
);

pub(super) const ACTOR_UID: Column = text(
    "actor_uid",
    "The id of who acted, OCSF `actor.user.uid`.",
    at!("actor.user.uid", "user.uid", "unmapped.actor.user.uid"),
)
.lookup(Lookup::Exact);

pub(super) const ACTOR_NAME: Column = text(
    "actor_name",
    "The name of who acted; the names file gives it where the event does not.",
    at!("actor.user.name", "user.name", "unmapped.actor.user.name"),
);

pub(super) const ACTOR_TYPE: Column = text(
    "actor_type",
    "OCSF `actor.user.type`: User, Service, System and others.",
    at!("actor.user.type", "user.type", "unmapped.actor.user.type"),
);

pub(super) const ACTOR_EMAIL: Column = text(
    "actor_email",
    "The e-mail address of who acted.",
    at!(
        "actor.user.email_addr",
        "user.email_addr",
        "unmapped.actor.user.email_addr"
    ),
);

pub(super) const CREDENTIAL: Column = text(
    "credential",
    "The API key or access key that was used.",
    at!(
        "actor.user.credential_uid",
        "user.credential_uid",
        "unmapped.actor.user.credential_uid"
    ),
)
.lookup(Lookup::Exact);

/// A column with a text of each resource.
const fn of_resources(name: &'static str, about: &'static str, value: Value) -> Column {
    Column::new(name, ColumnType::Texts, about, value)
}

pub(super) const RESOURCE_TYPE: Column = of_resources(
    "resource_type",
    "The types of the resources; the lists of resources have the same order, with null for what is not there.",
    |source| of_each_resource(source, const { Name::new("type") }),
);

pub(super) const RESOURCE_UID: Column =
    of_resources("resource_uid", "The ids of the resources.", |source| {
        of_each_resource(source, const { Name::new("uid") })
    })
    .lookup(Lookup::Exact);

pub(super) const RESOURCE_NAME: Column =
    of_resources("resource_name", "The names of the resources.", |source| {
        of_each_resource(source, const { Name::new("name") })
    });

pub(super) const ADDRESS: Column = text(
    "address",
    "The address of the client, or what the vendor wrote in its place.",
    at!(
        "src_endpoint.ip",
        "src_endpoint.name",
        "unmapped.src_endpoint.ip",
        "unmapped.src_endpoint.name"
    ),
);

pub(super) const ZONE: Column = text(
    "zone",
    "The zone of the address, by the networks file.",
    at!("src_endpoint.zone", "unmapped.src_endpoint.zone"),
);

pub(super) const COUNTRY: Column = text(
    "country",
    "The country of the address, by the GeoIP database.",
    at!(
        "src_endpoint.location.country",
        "unmapped.src_endpoint.location.country"
    ),
);

pub(super) const REGION: Column = text(
    "region",
    "The cloud's region.",
    at!("cloud.region", "resources.region", "unmapped.cloud.region"),
);

pub(super) const ACCOUNT: Column = text(
    "account",
    "The account or the organization.",
    at!(
        "cloud.account.uid",
        "cloud.org.uid",
        "unmapped.cloud.account.uid",
        "unmapped.cloud.org.uid"
    ),
);

pub(super) const ENVIRONMENT: Column = text(
    "environment",
    "The environment or project, OCSF `cloud.project_uid`.",
    at!("cloud.project_uid", "unmapped.cloud.project_uid"),
);

pub(super) const REQUEST_ID: Column = text(
    "request_id",
    "The id of the request, which several events can share.",
    at!("api.request.uid", "unmapped.api.request.uid"),
)
.lookup(Lookup::Exact)
.distinct();

pub(super) const CLIENT: Column = text(
    "client",
    "The program that was used, where its form is known: console, Terraform, CLI and others.",
    |source| Cell::text(source.event.as_ref().and_then(client)),
);

/// The vendor's word; the product's name where the vendor is not known.
fn product<'r>(event: &EventParts<'_, 'r>) -> Cell<'r> {
    let log_name = event.text(const { Place::of("metadata.log_name") });
    let known = log_name.and_then(|log_name| dialect_of_log_name(&log_name));
    match known {
        Some(dialect) => Cell::Text(dialect.logsource_product.into()),
        None => Cell::text(event.text(const { Place::of("metadata.product.name") })),
    }
}

/// What follows `prefix` in a label of the event.
fn label<'r>(source: &Source<'_, 'r>, prefix: &str) -> Cell<'r> {
    let event = source.event.as_ref();
    let labels = event.and_then(|event| event.at(const { Place::of("metadata.labels") }));
    let mut labels = labels.into_iter().flat_map(JsonPart::elements);
    let found = labels.find_map(|label| {
        let text = label.scalar()?;
        let rest = text.strip_prefix(prefix)?;
        Some(Cow::<'r, str>::Owned(rest.to_owned()))
    });
    Cell::text(found)
}

fn of_each_resource<'r>(source: &Source<'_, 'r>, name: Name) -> Cell<'r> {
    let Some(event) = &source.event else {
        return Cell::Null;
    };
    let own = event.at(const { Place::of("resources") });
    let unmapped = || event.at(const { Place::of("unmapped.resources") });
    let Some(resources) = own.or_else(unmapped) else {
        return Cell::Null;
    };
    let text = |one: JsonPart<'_, 'r>| one.member(name)?.words();
    let texts: Vec<_> = resources.elements().map(text).collect();
    match texts.is_empty() {
        true => Cell::Null,
        false => Cell::Texts(texts),
    }
}

/// The client that enrichment read from the user agent.
fn client<'r>(event: &EventParts<'_, 'r>) -> Option<Cow<'r, str>> {
    let enrichments = event.at(const { Place::of("enrichments") })?;
    let mut enrichments = enrichments.elements();
    enrichments.find_map(|enrichment| enrichment.text("data.client"))
}
