//! Confluent audit events: Cloud's old and new dialect, and Confluent Platform.
//! Names are matched whatever their case and underscores, since the feed mixes them.

mod endpoint;
mod identity;
mod outcome;
mod resources;

use super::cloudevents::Envelope;
use super::time::EventTime;
use super::{Lookup, MethodFacts, NormalizeError, crn, walk};
use crate::event::json::{Document, Kind, NodeId, same_name};
use crate::event::{Activity, Api, AuditEvent, Class, Cloud, Metadata, Text, Unmapped};

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

/// Logins that other types than `…/authentication` may carry.
const LOGINS: [&str; 5] = [
    "kafka.Authentication",
    "schema-registry.Authentication",
    "flink.Authenticate",
    "ksql.Authenticate",
    "SignIn",
];

/// The payload, and the parts of it that much is asked of, looked up once.
#[derive(Clone, Copy)]
struct Data {
    root: NodeId,
    authentication: Option<NodeId>,
    authorization: Option<NodeId>,
    request: Option<NodeId>,
    request_metadata: Option<NodeId>,
    result: Option<NodeId>,
}

impl Data {
    fn new(document: &Document<'_>, root: NodeId) -> Self {
        let part = |name| document.member_folded(root, name);
        Self {
            root,
            authentication: part("authenticationInfo"),
            authorization: part("authorizationInfo"),
            request: part("request"),
            request_metadata: part("requestMetadata"),
            result: part("result"),
        }
    }
}

impl Shape {
    fn of(kind: Option<&str>, operation: &str, facts: Option<&MethodFacts<'_>>) -> Self {
        let is_kind = |suffix| kind.is_some_and(|kind| kind.ends_with(suffix));
        if is_kind("/authentication")
            || facts.is_some_and(|facts| facts.logon)
            || LOGINS.iter().any(|login| same_name(login, operation))
        {
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
    let data = payload(&event)?;
    let EventTime { time_ms, label } = event.event_time(record_ms);
    let platform = is_platform(&event, data);
    let new_dialect = is_new_dialect(&event.unmapped.document, data);
    let unmapped = &mut event.unmapped;
    let operation = operation(unmapped, data, event.kind.as_ref())?;
    let facts = lookup(&operation);
    let shape = Shape::of(event.kind.as_deref(), &operation, facts.as_ref());
    let (class, (activity_id, activity_name)) = classify(shape, &operation, facts.as_ref());
    let outcome = outcome::read(unmapped, data, shape);
    let user = identity::user(unmapped, data);
    let invoked_by = identity::invoked_by(unmapped, data);
    let auth_protocol = match class {
        Class::Authentication => identity::auth_protocol(unmapped, data),
        Class::ApiActivity => None,
    };
    let (mut resources, place) = resources::read(unmapped, data, event.subject.as_ref(), shape);
    if platform {
        // OCSF knows a resource's region in the profile `cloud` only; it is a copy.
        resources.iter_mut().for_each(|one| one.region = None);
    }
    let src_endpoint = endpoint::read(unmapped, data);
    let mut api = api(unmapped, data, operation, event.id.as_ref(), facts.as_ref());
    api.response_error = outcome.error;
    api.response_error_message = outcome.error_message;
    let session_uid = walk::take_at(unmapped, data.request_metadata, &["connectionId"]);
    let app_name = [data.request, data.request_metadata]
        .iter()
        .find_map(|place| walk::take_at(unmapped, *place, &["clientId"]));
    let facts_labels = facts.map(|facts| facts.labels);
    let labels = match &facts_labels {
        Some(labels) => &labels[..],
        None => &["method:unknown"],
    };
    let metadata = Metadata {
        labels: labels
            .iter()
            .copied()
            .chain(label)
            .map(Text::from)
            .collect(),
        ..metadata(&event, platform, new_dialect)
    };
    Ok(AuditEvent {
        class,
        activity_id,
        activity_name,
        time_ms,
        message: facts.map(|facts| Text::Borrowed(facts.description)),
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
            provider: "Confluent Cloud".into(),
            ..place
        }),
        src_endpoint,
        resources,
        enrichments: Vec::new(),
        unmapped: event.unmapped,
        subject: event.subject,
        product: "confluent",
        known_method: facts.is_some(),
    })
}

fn classify(
    shape: Shape,
    operation: &str,
    facts: Option<&MethodFacts<'_>>,
) -> (Class, (i64, &'static str)) {
    match (shape, facts) {
        (Shape::Authentication, _) => (Class::Authentication, (1, "Logon")),
        (_, Some(facts)) => (Class::ApiActivity, (facts.activity_id, facts.activity_name)),
        (_, None) => (
            Class::ApiActivity,
            Activity::from_verb(operation).api_activity(),
        ),
    }
}

fn metadata<'a>(event: &Envelope<'a>, platform: bool, new_dialect: bool) -> Metadata<'a> {
    let (product_name, log_name) = match (platform, new_dialect) {
        (true, _) => ("Confluent Platform", "confluent-platform"),
        (false, true) => ("Confluent Cloud", "confluent-cloud-v2"),
        (false, false) => ("Confluent Cloud", "confluent-cloud-v1"),
    };
    Metadata {
        vendor_name: "Confluent",
        product_name,
        log_name,
        ..event.metadata()
    }
}

/// The payload, once it is sure that it can be read in one way only. What callers sent and got,
/// `request.data` and `result.data`, is theirs and not looked into.
fn payload(event: &Envelope<'_>) -> Result<Data, NormalizeError> {
    let document = &event.unmapped.document;
    let wrong = NormalizeError::WrongType {
        path: "data",
        expected: "an object",
    };
    let root = event.data.ok_or(wrong.clone())?;
    if document.kind(root) != Kind::Object {
        return Err(wrong);
    }
    let data = Data::new(document, root);
    let theirs: Vec<NodeId> = [data.request, data.result]
        .iter()
        .filter_map(|part| walk::descend(document, *part, &["data"]))
        .collect();
    match walk::repeated_key(document, root, &theirs) {
        Some(key) => Err(NormalizeError::DuplicateKey {
            key: key.into_owned(),
        }),
        None => Ok(data),
    }
}

/// The method as written; an event of Confluent's that names none goes by its type.
fn operation<'a>(
    unmapped: &mut Unmapped<'a>,
    data: Data,
    kind: Option<&Text<'a>>,
) -> Result<Text<'a>, NormalizeError> {
    let wrong = NormalizeError::WrongType {
        path: "data.methodName",
        expected: "a string",
    };
    match unmapped.document.member_folded(data.root, "methodName") {
        Some(node) if unmapped.document.kind(node) != Kind::Null => {
            walk::take(unmapped, node).ok_or(wrong)
        }
        _ => kind.cloned().ok_or(wrong),
    }
}

fn api<'a>(
    unmapped: &mut Unmapped<'a>,
    data: Data,
    operation: Text<'a>,
    event_id: Option<&Text<'a>>,
    facts: Option<&MethodFacts<'a>>,
) -> Api<'a> {
    let request_data = walk::take_whole(unmapped, data.request, &["data"]);
    let request_uid = request_uid(unmapped, data).or_else(|| {
        let fallback = || event_id.cloned().unwrap_or("unknown".into());
        request_data.is_some().then(fallback)
    });
    Api {
        operation,
        service_name: facts.map(|facts| Text::Borrowed(facts.service)),
        service_uid: walk::take_at(unmapped, data.root, &["serviceName"]),
        group_name: facts.and_then(|facts| facts.module).map(Text::Borrowed),
        request_uid,
        request_data,
        response_data: walk::take_whole(unmapped, data.result, &["data"]),
        response_error: None,
        response_error_message: None,
    }
}

/// `request_id` is a string, `requestId` an array whose first element counts.
fn request_uid<'a>(unmapped: &mut Unmapped<'a>, data: Data) -> Option<Text<'a>> {
    let document = &unmapped.document;
    let node = walk::descend(document, data.request_metadata, &["requestId"])?;
    let node = match document.kind(node) {
        Kind::Array => document.children(node).next()?,
        _ => node,
    };
    walk::take(unmapped, node)
}

/// Confluent Platform's names have no authority. Cloud sometimes leaves it out of the names inside
/// `data` too, so the source decides where it is a CRN.
fn is_platform(event: &Envelope<'_>, data: Data) -> bool {
    let document = &event.unmapped.document;
    let service = walk::text_at(document, data.root, &["serviceName"]);
    event
        .source
        .as_deref()
        .and_then(crn::authority)
        .or_else(|| service.as_deref().and_then(crn::authority))
        .is_some_and(str::is_empty)
}

/// The old dialect writes principals as strings and knows no `cloudResources`.
fn is_new_dialect(document: &Document<'_>, data: Data) -> bool {
    document
        .member_folded(data.root, "cloudResources")
        .is_some()
        || walk::descend(document, data.authentication, &["principal"])
            .is_some_and(|principal| document.kind(principal) == Kind::Object)
}
