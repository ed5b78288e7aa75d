//! How an event of ActionTrail is told from other JSON, and an insight from the other events.

use crate::json::{Document, NodeId, ValueKind};
use crate::normalize::cloudevents::Incoming;
use crate::normalize::error::NormalizeError;
use crate::normalize::walk;

/// Why a CloudEvent of EventBridge that holds no event is a dead letter.
pub(super) const NOT_AN_EVENT: NormalizeError = NormalizeError::WrongType {
    path: "data",
    expected: "an event of ActionTrail",
};

/// Whether a value is one of ActionTrail's events: it names the event, and has another member that all of them
/// have. An insight need not name the event.
pub(super) fn is_payload(document: &Document<'_>, object: NodeId) -> bool {
    const OTHERS: [&str; 4] = ["eventSource", "acsRegion", "eventType", "serviceName"];
    let has = |name: &str| document.member_folded(object, name).is_some();
    document.kind(object) == ValueKind::Object
        && (has("eventName") && OTHERS.into_iter().any(has) || is_insight_payload(document, object))
}

/// Whether a value is an insight as the vendor documents it: without the name of an operation.
fn is_insight_payload(document: &Document<'_>, object: NodeId) -> bool {
    const OTHERS: [&str; 2] = ["insightDetails", "sharedEventId"];
    let member = |name: &str| document.member_folded(object, name);
    let event_type = member("eventType");
    event_type.is_some()
        && OTHERS.into_iter().any(|name| member(name).is_some())
        && is_insight(document, member("eventCategory"), event_type)
}

/// Whether an event reports unusual activity, and not an operation.
pub(super) fn is_insight(
    document: &Document<'_>,
    event_category: Option<NodeId>,
    event_type: Option<NodeId>,
) -> bool {
    let is = |node, word: &str| {
        walk::text(document, node).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    is(event_category, "Insight") || is(event_type, "ActionTrailInsight")
}

/// Whether a CloudEvent says that it carries an event of ActionTrail: EventBridge gives it a type such as
/// `ecs:ActionTrail:ApiCall`.
pub(super) fn is_of_event_bridge(incoming: &Incoming<'_>) -> bool {
    let kind = incoming.kind();
    let mut parts = kind.iter().flat_map(|kind| kind.split(':').skip(1));
    let is_source = |source: &str| source.eq_ignore_ascii_case("acs.actiontrail");
    parts.any(|part| part.eq_ignore_ascii_case("ActionTrail"))
        || incoming.source().as_deref().is_some_and(is_source)
}
