//! What carries ActionTrail's events: a record of Simple Log Service, a CloudEvent of EventBridge, a response of
//! LookupEvents.

use super::recognize::is_payload;
use crate::json::{Document, NodeId, ValueKind};
use crate::normalize::cloudevents::Incoming;
use crate::normalize::container::Container;
use crate::normalize::error::NormalizeError;
use crate::normalize::normalizer::Opened;
use crate::normalize::walk;

/// Fields that Simple Log Service gives each record. The event stands beside them in `event`.
const LOG_FIELDS: [&str; 3] = ["__topic__", "__time__", "__source__"];

/// Opens what carries events.
///
/// # Errors
/// An error response, and a list that is empty, too long or of no objects.
pub(super) fn open(incoming: Incoming<'_>) -> Result<Opened<'_>, NormalizeError> {
    let document = &incoming.document;
    let root = document.root();
    if document.kind(root) != ValueKind::Object {
        return Ok(Opened::Other(incoming));
    }
    if let Some(data) = incoming.data().filter(|data| is_payload(document, *data)) {
        let container = Container::wrapper(incoming.document, data);
        return Ok(Opened::Container(container));
    }
    if let Some(event) = logged_event(document) {
        let time = document.member(root, "__time__");
        let timestamp_ms = time.and_then(|time| seconds(document, time));
        let container = Container::wrapper(incoming.document, event);
        return Ok(Opened::Container(Container {
            timestamp_ms,
            ..container
        }));
    }
    if let Some(events) = looked_up_events(document) {
        return Container::list(incoming.document, events).map(Opened::Container);
    }
    refuse_error_response(document)?;
    Ok(Opened::Other(incoming))
}

/// The event in a record of Simple Log Service, as an object or, usually, as a text that is JSON.
fn logged_event(document: &Document<'_>) -> Option<NodeId> {
    let root = document.root();
    let event = document.member(root, "event")?;
    let has_log_fields = || {
        let mut fields = LOG_FIELDS.iter();
        fields.any(|field| document.has_member(root, field))
    };
    let is_object_text = || {
        let text = walk::text(document, event);
        text.is_some_and(|text| text.trim_start().starts_with('{'))
    };
    let is_event = has_log_fields() || is_payload(document, event) || is_object_text();
    is_event.then_some(event)
}

/// Seconds since the Unix epoch, as a number or a text, in milliseconds.
fn seconds(document: &Document<'_>, time: NodeId) -> Option<i64> {
    let text = match document.kind(time) {
        ValueKind::Number => document.raw(time).into(),
        _ => walk::text(document, time)?.to_string(),
    };
    text.parse::<i64>().ok()?.checked_mul(1000)
}

/// The list in a response of LookupEvents.
fn looked_up_events(document: &Document<'_>) -> Option<NodeId> {
    let events = document.member_folded(document.root(), "events")?;
    (document.kind(events) == ValueKind::Array).then_some(events)
}

/// An error response has a code, a message and the id of its request.
fn refuse_error_response(document: &Document<'_>) -> Result<(), NormalizeError> {
    let word = |name| walk::text_at(document, document.root(), &[name]);
    match (word("code"), word("message"), word("requestId")) {
        (Some(code), Some(message), Some(_)) => Err(NormalizeError::ErrorResponse {
            code: code.to_string(),
            message: message.to_string(),
        }),
        _ => Ok(()),
    }
}
