//! What a catalogue would say of a method that is in none, as far as an event tells.

use crate::event::{Activity, AuditEvent};

/// Most characters of a method or a type that are quoted.
const MAX_CHARS: usize = 100;

/// `DropTable: {activity: delete, access: write, sensitivity: high, resource_type: TABLE, description: …}`, for a
/// person to correct; nothing for a method that is in a catalogue, or that has another form than methods have.
pub(super) fn proposed(event: &AuditEvent<'_>) -> Option<String> {
    let method = event.api.operation.as_ref();
    let is_plain = |text: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        !text.is_empty() && text.len() <= MAX_CHARS && text.bytes().all(letters)
    };
    if event.known_method || !is_plain(method) {
        return None;
    }
    let has_label = |label: &str| event.metadata.labels.iter().any(|known| **known == *label);
    let activity = event.class.activity(event.activity).1.to_lowercase();
    let access = match event.activity {
        _ if has_label("access:write") => "write",
        _ if has_label("access:read") => "read",
        Activity::Read => "read",
        _ => "write",
    };
    let sensitivity = match (access, event.activity) {
        ("read", _) => "low",
        (_, Activity::Delete) => "high",
        _ => "medium",
    };
    let kind = event.resources.first().and_then(|one| one.kind.as_deref());
    let kind = kind.filter(|kind| is_plain(kind));
    let kind = kind.map_or_else(String::new, |kind| format!("resource_type: {kind}, "));
    let entry = format!(
        "{method}: {{activity: {activity}, access: {access}, sensitivity: {sensitivity}, {kind}description: …}}"
    );
    Some(entry)
}
