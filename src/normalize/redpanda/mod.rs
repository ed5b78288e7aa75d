//! Redpanda's audit log. Its events are OCSF 1.0.0; they become OCSF 1.8.0 as all others are written. Where each part
//! goes, and why, is in docs/mapping-redpanda.md.

mod data;
mod known;
mod request;
mod same;

use data::{Data, Product};
use known::Known;
use same::{take_flag, take_int, take_product};

use super::cloudevents::{Incoming, unmapped_envelope};
use super::error::NormalizeError;
use super::normalizer::{Normalized, Normalizer};
use super::time::{EventTime, stated_milliseconds};
use super::walk;
use crate::catalog::Catalogs;
use crate::event::{
    APPLICATION_LIFECYCLE, AUTHENTICATION, Api, AuditEvent, Cloud, EventClass, Metadata, Resource,
    Session, Status, Unmapped,
};
use crate::json::{Document, NodeId, Text};
use crate::vendors::REDPANDA_EVENTS;

/// The functions that read Redpanda's events.
pub(super) const NORMALIZER: Normalizer = Normalizer {
    is_payload,
    recognizes,
    normalize,
    open: None,
};

/// The member of `unmapped` with what remains of the event.
const REST: &str = "event";

/// Whether a value is one of Redpanda's events: it has an OCSF class, and names the product or the vendor.
fn is_payload(document: &Document<'_>, object: NodeId) -> bool {
    // Few others have this member, which is cheap to look for.
    if document.member(object, "class_uid").is_none() {
        return false;
    }
    let product = walk::descend(document, object, &["metadata", "product"]);
    let is_named = |name: &str| {
        let name = walk::text_at(document, product, &[name]);
        name.is_some_and(|name| name.starts_with(REDPANDA_EVENTS.product_name))
    };
    is_named("vendor_name") || is_named("name")
}

/// Whether the record's value is an event.
fn recognizes(incoming: &Incoming<'_>) -> bool {
    is_payload(&incoming.document, incoming.document.root())
}

/// Describes an event.
fn normalize<'a>(
    incoming: Incoming<'a>,
    catalogs: &'a Catalogs,
) -> Result<Normalized<'a>, NormalizeError> {
    let record_ms = incoming.timestamp_ms;
    let mut unmapped = unmapped_envelope(incoming)?;
    // An event's own `actor` or `unmapped` is not one of ours.
    unmapped.root_name = Some(REST);
    // Redpanda chooses every name.
    walk::note_repeated_names(&mut unmapped, |_, _| false)?;
    let data = Data::of(&unmapped.document);
    let root = &data.root;
    let (class, activity_id) = class(&unmapped.document, &data)?;
    let activity = class.activity_of_id(activity_id);
    let service_uid = service(&mut unmapped, &data, class);
    let known = Known::of(
        catalogs,
        &mut unmapped,
        &data,
        class,
        activity,
        service_uid.as_ref(),
    );
    let activity = known.method.map_or(activity, |method| method.activity);
    let status = match root.status_id.map(|node| unmapped.document.raw(node)) {
        Some("1") => Status::Success,
        Some("2") => Status::Failure,
        _ => Status::Unknown,
    };
    let detail = walk::take(&mut unmapped, root.status_detail);
    let needs_reason = status == Status::Failure && detail.is_none();
    let (authorizations, reason) = request::authorizations(&mut unmapped, &data, needs_reason);
    let mut resources = request::resources(&mut unmapped, &data);
    if resources.is_empty() {
        resources.extend(known.resource().or_else(|| feature(&mut unmapped, &data)));
    }
    let EventTime { time_ms, label } =
        stated_milliseconds(&unmapped.document, root.time, record_ms);
    let (id, _) = class.activity(activity);
    for (node, written) in [
        (root.class_uid, class.uid),
        (root.category_uid, class.category_uid()),
        (root.activity_id, id),
        (root.type_uid, class.type_uid(activity)),
        (root.severity_id, 1),
        (root.status_id, status.id()),
        (root.time, time_ms),
    ] {
        take_int(&mut unmapped, node, written);
    }
    let product = walk::descend(&unmapped.document, root.metadata, &["product"]);
    take_product(&mut unmapped, product);
    if class == &APPLICATION_LIFECYCLE {
        take_product(&mut unmapped, root.app);
    }
    let user = request::user(&mut unmapped, &data);
    let src_endpoint = request::src_endpoint(&mut unmapped, &data);
    let is_login = class == &AUTHENTICATION;
    Ok(Normalized::Event(AuditEvent {
        class,
        activity,
        time_ms,
        message: known.method.map(|method| method.message.to_text()),
        status,
        status_code: None,
        status_detail: detail.or(reason),
        metadata: Metadata {
            uid: walk::take_at(&mut unmapped, root.metadata, &["uid"]),
            dialect: &REDPANDA_EVENTS,
            labels: labels(&known, label),
            ..Metadata::default()
        },
        user,
        session: Session {
            is_mfa: match is_login {
                true => take_flag(&mut unmapped, root.is_mfa),
                false => None,
            },
            ..Session::default()
        },
        app_name: src_endpoint
            .name
            .clone()
            .filter(|name| **name != *"unknown"),
        invoked_by: None,
        authorizations,
        auth_protocol: match is_login {
            true => request::auth_protocol(&mut unmapped, &data),
            false => None,
        },
        cloud: cloud(&mut unmapped, root.cloud),
        src_endpoint,
        user_agent: walk::take(&mut unmapped, data.http_request.user_agent),
        resources,
        enrichments: Vec::new(),
        client: None,
        known_method: known.method.is_some(),
        other_readings: Vec::new(),
        other_request_data: Vec::new(),
        api: Api {
            service_name: known.service_name(service_uid.as_ref()),
            service_uid,
            group_name: known.method.map(|method| method.module.to_text()),
            operation: known.operation,
            ..Api::default()
        },
        unmapped,
    }))
}

/// The class, and the number of the activity within it.
fn class(
    document: &Document<'_>,
    data: &Data,
) -> Result<(&'static EventClass, i64), NormalizeError> {
    let int = |node: Option<NodeId>| document.raw(node?).parse().ok();
    let class = int(data.root.class_uid).and_then(EventClass::of_uid);
    let class = class.ok_or(NormalizeError::WrongType {
        path: "class_uid",
        expected: "3002, 6002 or 6003",
    })?;
    Ok((class, int(data.root.activity_id).unwrap_or(0)))
}

/// Moves the name of the service; of the application's own events it is the product's.
fn service<'a>(unmapped: &mut Unmapped<'a>, data: &Data, class: &EventClass) -> Option<Text<'a>> {
    if class == &APPLICATION_LIFECYCLE {
        return walk::text_at(&unmapped.document, data.root.app, &["name"]);
    }
    let service = data.root.service.or(data.api.service);
    walk::take_at(unmapped, service, &["name"])
}

/// The part of the application that its own event is about.
fn feature<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Option<Resource<'a>> {
    let app = Product::of(&unmapped.document, data.root.app);
    let name = walk::take_at(unmapped, app.feature, &["name"])?;
    Some(Resource {
        uid: Some(name.clone()),
        name: Some(name),
        kind: Some(Text::from("feature")),
        ..Resource::default()
    })
}

/// What the catalogue says of the method, and where the time is from.
fn labels<'a>(known: &Known<'a>, of_time: Option<&'static str>) -> Vec<Text<'a>> {
    let of_method = match known.method {
        Some(method) => method.labels().map(Some),
        None => [Some("method:unknown"), None],
    };
    let labels = of_method.into_iter().flatten().chain(of_time);
    labels.map(Text::from).collect()
}

/// OCSF `cloud`, if there is a provider: clusters of one's own name none.
fn cloud<'a>(unmapped: &mut Unmapped<'a>, cloud: Option<NodeId>) -> Option<Cloud<'a>> {
    Some(Cloud {
        provider: walk::take_at(unmapped, cloud, &["provider"])?,
        ..Cloud::default()
    })
}
