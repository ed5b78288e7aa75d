//! Confluent audit events: Cloud's old and new dialect, and Confluent Platform.
//! Names are matched whatever their case and underscores, since the feed mixes them.

mod data;
mod endpoint;
mod identity;
mod labels;
mod outcome;
mod readings;
mod resources;
mod shape;
mod words;

use data::Data;
use labels::Labels;
use shape::ReportedAct;

use super::cloudevents::{Envelope, Incoming};
use super::crn::{self, Authority};
use super::error::NormalizeError;
use super::normalizer::{Normalized, Normalizer};
use super::time::EventTime;
use super::walk;
use crate::catalog::{Catalogs, Method};
use crate::event::{
    API_ACTIVITY, AUTHENTICATION, Activity, Api, AuditEvent, Cloud, EventClass, Metadata, Session,
    Unmapped,
};
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::vendors::{
    CONFLUENT, CONFLUENT_CLOUD_V1, CONFLUENT_CLOUD_V2, CONFLUENT_PLATFORM, Dialect,
};

/// What the vendor's CloudEvents types begin with.
const VENDOR_TYPES: &str = "io.confluent.";

/// Confluent, as the table of vendors has it.
pub(super) const NORMALIZER: Normalizer = Normalizer {
    is_payload,
    recognizes,
    normalize,
    open: None,
};

/// Whether a value is the payload of one of Confluent's events.
fn is_payload(document: &Document<'_>, data: NodeId) -> bool {
    const METHOD: &str = "methodName";
    // Nearly all have this spelling, which is cheap to find.
    document.has_member(data, METHOD) || document.member_folded(data, METHOD).is_some()
}

/// Whether this is one of Confluent's events.
fn recognizes(incoming: &Incoming<'_>) -> bool {
    let has_payload = |data| is_payload(&incoming.document, data);
    let is_of_vendor = |kind: &Text<'_>| {
        let start = kind.get(..VENDOR_TYPES.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(VENDOR_TYPES))
    };
    incoming.kind().as_ref().is_some_and(is_of_vendor) || incoming.data().is_some_and(has_payload)
}

/// Describes one of Confluent's events.
fn normalize<'a>(
    incoming: Incoming<'a>,
    catalogs: &'a Catalogs,
) -> Result<Normalized<'a>, NormalizeError> {
    let record_ms = incoming.timestamp_ms;
    let mut event = Envelope::take(incoming)?;
    let root = payload(&event)?;
    let data = Data::of(&event.unmapped.document, root);
    walk::note_repeated_names(&mut event.unmapped, |document, node| {
        readings::is_callers(document, node, &data)
    })?;
    let EventTime { time_ms, label } = event.event_time(record_ms);
    let dialect = dialect(&event, &data);
    let platform = dialect == &CONFLUENT_PLATFORM;
    let unmapped = &mut event.unmapped;
    let operation = operation(unmapped, data.root.method_name, event.kind.as_ref())?;
    let method = catalogs
        .of(CONFLUENT.product)
        .and_then(|catalog| catalog.method(&operation));
    let shape = ReportedAct::of(event.kind.as_deref(), &operation, method);
    let (class, activity) = classify(shape, &operation, method);
    let mut labels = Labels::default();
    let outcome = outcome::read(unmapped, &data, shape, &mut labels);
    let user = identity::user(unmapped, &data.authentication, &mut labels);
    let invoked_by = identity::invoked_by(unmapped, &data.authentication);
    let auth_protocol = class
        .has_login
        .then(|| identity::auth_protocol(unmapped, &data.authentication))
        .flatten();
    let (mut resources, place) = resources::read(unmapped, &data, event.subject.as_ref(), shape);
    if platform {
        // OCSF knows a resource's region in the profile `cloud` only; it is a copy.
        resources.iter_mut().for_each(|one| one.region = None);
    }
    let src_endpoint = endpoint::read(unmapped, &data);
    let mut api = api(unmapped, &data, operation, event.id.as_ref(), method);
    api.response_error = outcome.error;
    api.response_error_message = outcome.error_message;
    let session_uid = walk::take(unmapped, data.request_metadata.connection_id);
    let app_name = walk::take(unmapped, data.request.client_id)
        .or_else(|| walk::take(unmapped, data.request_metadata.client_id));
    let of_method = of_method(method, &unmapped.document, &data, &mut labels);
    let words = of_method.into_iter().flatten().chain(label);
    let mut other_readings = Vec::new();
    let mut other_request_data = Vec::new();
    if !unmapped.repeated.is_empty() {
        other_readings =
            readings::of_attributes(unmapped, &data, app_name.as_ref(), outcome.status);
        if method.is_none() {
            other_readings.extend(readings::of_access(unmapped, &data));
        }
        other_request_data = readings::of_request_data(unmapped, &data, api.request_data);
    }
    let words = words
        .chain(labels.words())
        .chain(event.labels.iter().copied());
    let metadata = Metadata {
        dialect,
        labels: words.map(Text::from).collect(),
        ..event.metadata()
    };
    let known_method = method.is_some();
    Ok(Normalized::Event(AuditEvent {
        class,
        activity,
        time_ms,
        message: method.map(|method| method.message.to_text()),
        status: outcome.status,
        status_code: outcome.code,
        status_detail: outcome.detail,
        metadata,
        user,
        session: Session {
            uid: session_uid,
            ..Session::default()
        },
        app_name,
        invoked_by,
        authorizations: outcome.authorizations,
        auth_protocol,
        api,
        cloud: (!platform).then(|| Cloud {
            provider: Text::from("Confluent Cloud"),
            ..place
        }),
        src_endpoint,
        user_agent: None,
        resources,
        enrichments: Vec::new(),
        client: None,
        unmapped: event.unmapped,
        known_method,
        other_readings,
        other_request_data,
    }))
}

fn classify(
    shape: ReportedAct,
    operation: &str,
    method: Option<&Method>,
) -> (&'static EventClass, Activity) {
    if shape == ReportedAct::Authentication {
        return (&AUTHENTICATION, Activity::Logon);
    }
    let known = method.map(|method| method.activity);
    let activity = known.unwrap_or_else(|| Activity::from_verb(operation));
    (&API_ACTIVITY, activity)
}

/// What the catalogue says of the method. Of one that it does not have, the event's own word for the
/// kind of access.
fn of_method(
    method: Option<&Method>,
    document: &Document<'_>,
    data: &Data,
    labels: &mut Labels,
) -> [Option<&'static str>; 2] {
    if let Some(method) = method {
        return method.labels().map(Some);
    }
    let access = walk::text(document, data.request.access_type).and_then(|word| {
        let judged = words::access(&word);
        if judged.is_inferred && judged.is.is_some() {
            labels.add(Labels::ACCESS);
        }
        judged.is
    });
    [Some("method:unknown"), access.map(words::Access::label)]
}

/// The event's `data`.
fn payload(event: &Envelope<'_>) -> Result<NodeId, NormalizeError> {
    let is_object = |data: &NodeId| event.unmapped.document.kind(*data) == ValueKind::Object;
    event
        .data
        .filter(is_object)
        .ok_or(NormalizeError::WrongType {
            path: "data",
            expected: "an object",
        })
}

/// The method as written; an event of Confluent's that names none goes by its type.
fn operation<'a>(
    unmapped: &mut Unmapped<'a>,
    method_name: Option<NodeId>,
    kind: Option<&Text<'a>>,
) -> Result<Text<'a>, NormalizeError> {
    let is_null = |node| unmapped.document.kind(node) == ValueKind::Null;
    match (method_name, kind) {
        (None, Some(kind)) => Ok(kind.clone()),
        (Some(node), Some(kind)) if is_null(node) => Ok(kind.clone()),
        _ => walk::take_required(unmapped, method_name, "data.methodName"),
    }
}

fn api<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    operation: Text<'a>,
    event_id: Option<&Text<'a>>,
    method: Option<&'a Method>,
) -> Api<'a> {
    let request_data = walk::take_whole(unmapped, data.request.data);
    let request_uid = request_uid(unmapped, data.request_metadata.request_id).or_else(|| {
        let fallback = || event_id.cloned().unwrap_or(Text::from("unknown"));
        request_data.is_some().then(fallback)
    });
    Api {
        operation,
        service_name: method.map(|method| method.service.to_text()),
        service_uid: walk::take(unmapped, data.root.service_name),
        group_name: method.map(|method| method.module.to_text()),
        request_uid,
        request_data,
        response_data: walk::take_whole(unmapped, data.result.data),
        version: None,
        response_error: None,
        response_error_message: None,
    }
}

/// `request_id` is a string, `requestId` an array whose first element counts.
fn request_uid<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    let document = &unmapped.document;
    let first = match document.kind(node?) {
        ValueKind::Array => document.children(node?).next(),
        _ => node,
    };
    walk::take(unmapped, first)
}

fn dialect(event: &Envelope<'_>, data: &Data) -> &'static Dialect {
    let is_new = is_new_dialect(&event.unmapped.document, data);
    if is_platform(event, data, is_new) {
        &CONFLUENT_PLATFORM
    } else if is_new {
        &CONFLUENT_CLOUD_V2
    } else {
        &CONFLUENT_CLOUD_V1
    }
}

/// Where the source is a CRN, its authority alone decides. Without one the other names of the event
/// do; Cloud sometimes leaves the authority out of them, so an empty one decides last, and not in
/// the new dialect, which the platform does not speak.
fn is_platform(event: &Envelope<'_>, data: &Data, is_new: bool) -> bool {
    if let Some(authority) = event.source.as_deref().and_then(crn::authority) {
        return authority != Authority::Cloud;
    }
    let text = |node| walk::text(&event.unmapped.document, node);
    let service = text(data.root.service_name);
    let resource = text(data.root.resource_name);
    let names = [service, event.subject.clone(), resource];
    let mut is_empty = false;
    for name in names.iter().flatten() {
        match crn::authority(name) {
            Some(Authority::Cloud) => return false,
            Some(Authority::Other) => return true,
            Some(Authority::Empty) => is_empty = true,
            None => {}
        }
    }
    is_empty && !is_new
}

/// The old dialect writes principals as strings and knows no `cloudResources`.
fn is_new_dialect(document: &Document<'_>, data: &Data) -> bool {
    let is_object = |node| document.kind(node) == ValueKind::Object;
    data.root.cloud_resources.is_some() || data.authentication.principal.is_some_and(is_object)
}
