//! Confluent audit events: Cloud's old and new dialect, and Confluent Platform.
//! Names are matched whatever their case and underscores, since the feed mixes them.

mod data;
mod endpoint;
mod identity;
mod outcome;
mod readings;
mod resources;

use data::Data;

use super::cloudevents::Envelope;
use super::time::EventTime;
use super::{Lookup, MethodFacts, NormalizeError, crn, walk};
use crate::event::json::{Document, Kind, NodeId, same_name};
use crate::event::{Activity, Api, AuditEvent, Class, Cloud, Dialect, Metadata, Text, Unmapped};

/// What kind of happening an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A login.
    Authentication,
    /// A permission check; its outcome is the decision.
    Authorization,
    /// Anything else.
    Request,
}

/// Logins that other types than `…/authentication` may carry, for spellings that no catalogue knows.
const LOGINS: [&str; 5] = [
    "kafka.Authentication",
    "schema-registry.Authentication",
    "flink.Authenticate",
    "ksql.Authenticate",
    "SignIn",
];

impl Shape {
    fn of(kind: Option<&str>, operation: &str, facts: Option<&MethodFacts<'_>>) -> Self {
        let is_kind = |suffix| kind.is_some_and(|kind| kind.ends_with(suffix));
        let is_login = || match facts {
            Some(facts) => facts.activity == Activity::Logon,
            None => LOGINS.iter().any(|login| same_name(login, operation)),
        };
        if is_kind("/authentication") || is_login() {
            Self::Authentication
        } else if is_kind("/authorization")
            || operation
                .rsplit_once('.')
                .is_some_and(|(_, name)| same_name(name, "Authorize"))
        {
            Self::Authorization
        } else {
            Self::Request
        }
    }
}

/// Whether this is one of Confluent's events.
pub(super) fn recognizes(event: &Envelope<'_>) -> bool {
    let document = &event.unmapped.document;
    let by_type = event
        .kind
        .as_deref()
        .is_some_and(|kind| kind.starts_with("io.confluent."));
    by_type
        || event
            .data
            .is_some_and(|data| document.member_folded(data, "methodName").is_some())
}

/// Describes one of Confluent's events.
pub(super) fn normalize<'a>(
    mut event: Envelope<'a>,
    record_ms: Option<i64>,
    lookup: &Lookup<'_, 'a>,
) -> Result<AuditEvent<'a>, NormalizeError> {
    let root = payload(&event)?;
    let data = Data::of(&event.unmapped.document, root);
    walk::note_repeated_names(&mut event.unmapped, |document, node| {
        readings::is_callers(document, node, &data)
    })?;
    let EventTime { time_ms, label } = event.event_time(record_ms);
    let dialect = dialect(&event, &data);
    let platform = dialect == Dialect::ConfluentPlatform;
    let unmapped = &mut event.unmapped;
    let operation = operation(unmapped, data.root.method_name, event.kind.as_ref())?;
    let facts = lookup(&operation);
    let shape = Shape::of(event.kind.as_deref(), &operation, facts.as_ref());
    let (class, activity) = classify(shape, &operation, facts.as_ref());
    let outcome = outcome::read(unmapped, &data, shape);
    let user = identity::user(unmapped, &data.authentication);
    let invoked_by = identity::invoked_by(unmapped, &data.authentication);
    let auth_protocol = match class {
        Class::Authentication => identity::auth_protocol(unmapped, &data.authentication),
        Class::ApiActivity => None,
    };
    let (mut resources, place) = resources::read(unmapped, &data, event.subject.as_ref(), shape);
    if platform {
        // OCSF knows a resource's region in the profile `cloud` only; it is a copy.
        resources.iter_mut().for_each(|one| one.region = None);
    }
    let src_endpoint = endpoint::read(unmapped, &data);
    let mut api = api(
        unmapped,
        &data,
        operation,
        event.id.as_ref(),
        facts.as_ref(),
    );
    api.response_error = outcome.error;
    api.response_error_message = outcome.error_message;
    let session_uid = walk::take(unmapped, data.request_metadata.connection_id);
    let app_name = walk::take(unmapped, data.request.client_id)
        .or_else(|| walk::take(unmapped, data.request_metadata.client_id));
    let mut other_readings = Vec::new();
    let mut other_request_data = Vec::new();
    if !unmapped.repeated.is_empty() {
        other_readings =
            readings::of_attributes(unmapped, &data, app_name.as_ref(), outcome.status);
        other_request_data = readings::of_request_data(unmapped, &data, api.request_data);
    }
    let metadata = Metadata {
        dialect,
        labels: labels(facts.as_ref(), label),
        ..event.metadata()
    };
    let known_method = facts.is_some();
    Ok(AuditEvent {
        class,
        activity,
        time_ms,
        message: facts.map(|facts| facts.description),
        status: outcome.status,
        status_code: outcome.code,
        status_detail: outcome.detail,
        metadata,
        user,
        session_uid,
        app_name,
        invoked_by,
        authorizations: outcome.authorizations,
        auth_protocol,
        api,
        cloud: (!platform).then(|| Cloud {
            provider: Text::plain("Confluent Cloud"),
            ..place
        }),
        src_endpoint,
        resources,
        enrichments: Vec::new(),
        unmapped: event.unmapped,
        known_method,
        other_readings,
        other_request_data,
    })
}

fn classify(shape: Shape, operation: &str, facts: Option<&MethodFacts<'_>>) -> (Class, Activity) {
    if shape == Shape::Authentication {
        return (Class::Authentication, Activity::Logon);
    }
    let known = facts.map(|facts| facts.activity);
    let activity = known.unwrap_or_else(|| Activity::from_verb(operation));
    (Class::ApiActivity, activity)
}

fn labels<'a>(facts: Option<&MethodFacts<'_>>, time: Option<&'static str>) -> Vec<Text<'a>> {
    let of_method: &[_] = match facts {
        Some(facts) => &facts.labels,
        None => &["method:unknown"],
    };
    of_method
        .iter()
        .copied()
        .chain(time)
        .map(Text::plain)
        .collect()
}

/// The event's `data`.
fn payload(event: &Envelope<'_>) -> Result<NodeId, NormalizeError> {
    let is_object = |data: &NodeId| event.unmapped.document.kind(*data) == Kind::Object;
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
    let wrong = NormalizeError::WrongType {
        path: "data.methodName",
        expected: "a string",
    };
    match method_name {
        Some(node) if unmapped.document.kind(node) != Kind::Null => {
            walk::take(unmapped, node).ok_or(wrong)
        }
        _ => kind.cloned().ok_or(wrong),
    }
}

fn api<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    operation: Text<'a>,
    event_id: Option<&Text<'a>>,
    facts: Option<&MethodFacts<'a>>,
) -> Api<'a> {
    let request_data = walk::take_whole(unmapped, data.request.data);
    let request_uid = request_uid(unmapped, data.request_metadata.request_id).or_else(|| {
        let fallback = || event_id.cloned().unwrap_or(Text::plain("unknown"));
        request_data.is_some().then(fallback)
    });
    Api {
        operation,
        service_name: facts.map(|facts| facts.service.clone()),
        service_uid: walk::take(unmapped, data.root.service_name),
        group_name: facts.and_then(|facts| facts.module.clone()),
        request_uid,
        request_data,
        response_data: walk::take_whole(unmapped, data.result.data),
        response_error: None,
        response_error_message: None,
    }
}

/// `request_id` is a string, `requestId` an array whose first element counts.
fn request_uid<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    let document = &unmapped.document;
    let first = match document.kind(node?) {
        Kind::Array => document.children(node?).next(),
        _ => node,
    };
    walk::take(unmapped, first)
}

fn dialect(event: &Envelope<'_>, data: &Data) -> Dialect {
    if is_platform(event, data) {
        Dialect::ConfluentPlatform
    } else if is_new_dialect(&event.unmapped.document, data) {
        Dialect::ConfluentCloudV2
    } else {
        Dialect::ConfluentCloudV1
    }
}

/// Confluent Platform's names have no authority. Cloud sometimes leaves it out of the names inside
/// `data` too, so the source decides where it is a CRN.
fn is_platform(event: &Envelope<'_>, data: &Data) -> bool {
    let of_service = || walk::text(&event.unmapped.document, data.root.service_name);
    let source = event.source.as_deref();
    let has_authority = source
        .and_then(crn::has_authority)
        .or_else(|| crn::has_authority(&of_service()?));
    has_authority == Some(false)
}

/// The old dialect writes principals as strings and knows no `cloudResources`.
fn is_new_dialect(document: &Document<'_>, data: &Data) -> bool {
    let is_object = |node| document.kind(node) == Kind::Object;
    data.root.cloud_resources.is_some() || data.authentication.principal.is_some_and(is_object)
}
