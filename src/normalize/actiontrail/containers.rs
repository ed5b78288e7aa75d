//! What carries ActionTrail's events: a record of Simple Log Service, a CloudEvent of EventBridge, a response of
//! LookupEvents.

use super::recognize::{NOT_AN_EVENT, is_of_event_bridge, is_payload};
use crate::json::{Document, NodeId, ValueKind};
use crate::normalize::cloudevents::Incoming;
use crate::normalize::container::Container;
use crate::normalize::error::NormalizeError;
use crate::normalize::normalizer::Opened;
use crate::normalize::time::{plausible, stated_time};
use crate::normalize::walk;

/// Fields that Simple Log Service gives each record. The event stands beside them in `event`.
const LOG_FIELDS: [&str; 3] = ["__topic__", "__time__", "__source__"];

/// Opens what carries events.
///
/// # Errors
/// An error response, a list that is empty, too long or of no objects, and a CloudEvent of EventBridge whose `data` is
/// no event.
pub(super) fn open(incoming: Incoming<'_>) -> Result<Opened<'_>, NormalizeError> {
    let document = &incoming.document;
    let root = document.root();
    if document.kind(root) != ValueKind::Object {
        return Ok(Opened::Other(incoming));
    }
    let has_event = |data| is_payload(document, data);
    if incoming.data().is_some_and(has_event) || is_of_event_bridge(&incoming) {
        return of_event_bridge(incoming).map(Opened::Container);
    }
    if let Some(event) = logged_event(document, root) {
        let timestamp_ms = match incoming.timestamp_ms {
            Some(_) => None,
            None => logged_ms(document, event),
        };
        let container = Container::wrapper(incoming.document, event);
        return Ok(Opened::Container(Container {
            timestamp_ms,
            ..container
        }));
    }
    if let Some(events) = looked_up_events(document, root) {
        if walk::is_list_of_lists(document, events) {
            return Err(NormalizeError::Nested);
        }
        return Container::list(incoming.document, events).map(Opened::Container);
    }
    refuse_error_response(document)?;
    Ok(Opened::Other(incoming))
}

/// The event in a CloudEvent of EventBridge, as an object or as a text that is JSON. What the text holds is judged when
/// it is read.
fn of_event_bridge(incoming: Incoming<'_>) -> Result<Container<'_>, NormalizeError> {
    if incoming.is_wrapped() {
        return Err(NormalizeError::Nested);
    }
    let document = &incoming.document;
    let holds_events = |data: &NodeId| match document.kind(*data) {
        ValueKind::String | ValueKind::Array => true,
        ValueKind::Object => {
            is_payload(document, *data)
                || logged_event(document, *data).is_some()
                || looked_up_events(document, *data).is_some()
        }
        _ => false,
    };
    let data = incoming.data().filter(holds_events).ok_or(NOT_AN_EVENT)?;
    Ok(Container::wrapper(incoming.document, data))
}

/// The event in a record of Simple Log Service, as an object or, usually, as a text that is JSON.
fn logged_event(document: &Document<'_>, object: NodeId) -> Option<NodeId> {
    let event = document.member(object, "event")?;
    let has_log_fields = || {
        let mut fields = LOG_FIELDS.iter();
        fields.any(|field| document.has_member(object, field))
    };
    let is_object_text = || {
        let text = walk::text(document, event);
        text.is_some_and(|text| text.trim_start().starts_with('{'))
    };
    let is_event = has_log_fields() || is_payload(document, event) || is_object_text();
    is_event.then_some(event)
}

/// When a record of Simple Log Service was written, in milliseconds since the Unix epoch. It stands in for the time of an
/// event that states none, and never decides whether a time that an event states is plausible.
fn logged_ms(document: &Document<'_>, event: NodeId) -> Option<i64> {
    let time = document.member(document.root(), "__time__")?;
    let time_ms = plausible(seconds(document, time)?)?;
    let has_time = match walk::text(document, event) {
        Some(text) => {
            let event = Document::parse(text.as_bytes());
            event.is_ok_and(|event| states_time(&event, event.root()))
        }
        None => states_time(document, event),
    };
    (!has_time).then_some(time_ms)
}

/// Whether an event, or one in a list, states a plausible time.
fn states_time(document: &Document<'_>, event: NodeId) -> bool {
    let states = |event| {
        let time = document.member_folded(event, "eventTime");
        stated_time(document, time, None).label.is_none()
    };
    match document.kind(event) {
        ValueKind::Array => document.children(event).any(states),
        _ => states(event),
    }
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
fn looked_up_events(document: &Document<'_>, object: NodeId) -> Option<NodeId> {
    let events = document.member_folded(object, "events")?;
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
