//! How an event of ActionTrail is told from other JSON.

use crate::json::{Document, NodeId, ValueKind};

/// Whether a value is one of ActionTrail's events: it names the event, and has another member that all of them
/// have.
pub(super) fn is_payload(document: &Document<'_>, object: NodeId) -> bool {
    const OTHERS: [&str; 4] = ["eventSource", "acsRegion", "eventType", "serviceName"];
    let has = |name: &str| document.member_folded(object, name).is_some();
    document.kind(object) == ValueKind::Object && has("eventName") && OTHERS.into_iter().any(has)
}
