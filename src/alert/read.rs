//! From an alert's JSON to a [`Notice`]: tolerant, and every text cut to a bounded length.

use serde_json::Value;

use super::notice::{
    Correlation, EXPERIMENTAL, HISTORY, Notice, NoticeError, Origin, REPLAYED, ResourceNotice,
    TEST, Who,
};
use super::redact::redacted;
use crate::event::Position;
use crate::printable::{printable_json, printable_prose};
use crate::sigma::Level;

/// Most characters of a name, an identifier or a value.
pub(super) const MAX_WORD: usize = 300;

/// Most characters of a runbook or a description.
pub(super) const MAX_PROSE: usize = 2_000;

/// Most elements of any list.
pub(super) const MAX_LIST: usize = 20;

/// Most bytes of the record shown.
const MAX_RECORD_BYTES: usize = 8 * 1024;

impl Notice {
    /// Reads an alert's record. `position` is where it stands.
    ///
    /// # Errors
    /// [`NoticeError`]: not an alert of ours.
    pub fn read(value: &[u8], position: Position<'_>) -> Result<Notice, NoticeError> {
        let alert: Value =
            serde_json::from_slice(value).map_err(|e| NoticeError::NotJson(e.to_string()))?;
        if alert.get("class_uid").and_then(Value::as_i64) != Some(2004) {
            return Err(NoticeError::NotAFinding("class_uid is not 2004"));
        }
        let required =
            |path: &str, missing| word(&alert, path).ok_or(NoticeError::NotAFinding(missing));
        let event = alert.pointer("/evidences/0/data").unwrap_or(&Value::Null);
        let time_ms = int(&alert, "/time").unwrap_or(0);
        let labels = words(alert.pointer("/metadata/labels"));
        let resources = alert.get("resources").and_then(Value::as_array);
        let resources = resources.map_or(&[][..], Vec::as_slice);
        Ok(Notice {
            uid: required("/finding_info/uid", "finding_info.uid is missing")?,
            group_key: required(
                "/metadata/correlation_uid",
                "metadata.correlation_uid is missing",
            )?,
            summary: alert
                .pointer("/evidences/0/api")
                .is_none()
                .then(|| word(&alert, "/message"))
                .flatten(),
            level: level(&alert).ok_or(NoticeError::NotAFinding("severity_id is unknown"))?,
            rule_id: required(
                "/finding_info/analytic/uid",
                "finding_info.analytic.uid is missing",
            )?,
            rule: required(
                "/finding_info/analytic/name",
                "finding_info.analytic.name is missing",
            )?,
            rule_version: word(&alert, "/finding_info/analytic/version").unwrap_or_default(),
            description: prose(&alert, "/finding_info/desc"),
            who: who(alert.pointer("/evidences/0/actor/user")),
            operation: word(&alert, "/evidences/0/api/operation").unwrap_or_default(),
            service: word(&alert, "/evidences/0/api/service/name"),
            product: word(event, "/metadata/product/name"),
            activity: word(event, "/activity_name"),
            outcome: word(&alert, "/unmapped/outcome").unwrap_or_else(|| "Unknown".into()),
            outcome_detail: word(&alert, "/unmapped/outcome_detail")
                .or_else(|| word(&alert, "/evidences/0/api/response/error_message")),
            resource_count: distinct(resources),
            resources: resources
                .iter()
                .take(MAX_LIST)
                .map(|written| resource(written, event))
                .collect(),
            origin: origin(&alert, event),
            time_ms,
            detected_ms: int(&alert, "/metadata/processed_time").unwrap_or(time_ms),
            logged_ms: int(&alert, "/metadata/logged_time"),
            why: words(alert.pointer("/unmapped/why")),
            count: int(&alert, "/count").map_or(1, |count| count.max(1).unsigned_abs()),
            first_ms: int(&alert, "/finding_info/first_seen_time").unwrap_or(time_ms),
            last_ms: int(&alert, "/finding_info/last_seen_time").unwrap_or(time_ms),
            correlation: alert.pointer("/unmapped/correlation").map(correlation),
            events: listed(alert.pointer("/finding_info/related_events"), "/uid"),
            runbook: prose(&alert, "/remediation/desc"),
            links: words(
                alert
                    .pointer("/remediation/references")
                    .or_else(|| alert.pointer("/unmapped/references")),
            ),
            falsepositives: words(alert.pointer("/unmapped/falsepositives")),
            attack: attack(alert.pointer("/finding_info/attacks")),
            tags: words(alert.pointer("/unmapped/tags")),
            rule_set: word(&alert, "/unmapped/rule_set").unwrap_or_default(),
            position: place(position),
            record: (!event.is_null()).then(|| {
                cut_bytes(
                    printable_json(&redacted(event)).into_owned(),
                    MAX_RECORD_BYTES,
                )
            }),
            experimental: labels.iter().any(|label| label == EXPERIMENTAL),
            replayed: labels.iter().any(|label| label == REPLAYED),
            history: labels.iter().any(|label| label == HISTORY),
            test: labels.iter().any(|label| label == TEST),
        })
    }
}

pub(super) fn place(position: Position<'_>) -> String {
    let (partition, offset) = (position.partition.0, position.offset.0);
    format!("{}/{partition}@{offset}", position.topic)
}

fn level(alert: &Value) -> Option<Level> {
    let severity_id = int(alert, "/severity_id")?;
    let index = usize::try_from(severity_id - 1).ok()?;
    Level::ALL.get(index).copied()
}

fn int(value: &Value, path: &str) -> Option<i64> {
    value.pointer(path)?.as_i64()
}

fn word(value: &Value, path: &str) -> Option<String> {
    text(value.pointer(path)?, MAX_WORD)
}

fn prose(value: &Value, path: &str) -> Option<String> {
    text(value.pointer(path)?, MAX_PROSE)
}

/// A text in which everything is seen, cut; `None` where there is nothing to read.
fn text(value: &Value, max_chars: usize) -> Option<String> {
    let text = value.as_str()?;
    let clean = printable_prose(text.trim());
    let clean = clean.trim();
    (!clean.is_empty()).then(|| shorten(clean, max_chars))
}

/// At most `max_chars` characters; what was cut ends in `…`. Counted in UTF-16, which is never less
/// than what a vendor may mean by a character.
pub fn shorten(text: &str, max_chars: usize) -> String {
    let (mut chars, mut kept) = (0, 0);
    for (at, c) in text.char_indices() {
        chars += c.len_utf16();
        if chars < max_chars {
            kept = at + c.len_utf8();
        } else if chars > max_chars {
            return format!("{}…", &text[..kept]);
        }
    }
    text.to_owned()
}

fn cut_bytes(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        let mut end = max_bytes - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

fn words(list: Option<&Value>) -> Vec<String> {
    listed(list, "")
}

fn listed(list: Option<&Value>, path: &str) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|value| word(value, path))
        .take(MAX_LIST)
        .collect()
}

fn who(user: Option<&Value>) -> Who {
    let user = user.unwrap_or(&Value::Null);
    Who {
        name: word(user, "/name"),
        uid: word(user, "/uid"),
        email: word(user, "/email_addr"),
        kind: word(user, "/type"),
        credential: word(user, "/credential_uid"),
        team: word(user, "/groups/0/name"),
    }
}

/// One resource may be told of once for each of its scopes.
fn distinct(resources: &[Value]) -> usize {
    let mut seen: Vec<&Value> = Vec::new();
    for resource in resources {
        let uid = resource.get("uid").unwrap_or(resource);
        if !seen.contains(&uid) {
            seen.push(uid);
        }
    }
    seen.len()
}

fn resource(written: &Value, event: &Value) -> ResourceNotice {
    let uid = word(written, "/uid");
    let named = uid.as_deref().and_then(|uid| {
        let enrichments = event.get("enrichments")?.as_array()?;
        let of_uid = |e: &&Value| e.get("value").and_then(Value::as_str) == Some(uid);
        word(enrichments.iter().find(of_uid)?, "/data/environment")
    });
    ResourceNotice {
        name: word(written, "/name"),
        kind: word(written, "/type"),
        environment: named.or_else(|| word(written, "/namespace")),
        region: word(written, "/region"),
        owner: word(written, "/owner/name"),
        team: word(written, "/group/name"),
        uid,
    }
}

fn origin(alert: &Value, event: &Value) -> Origin {
    let endpoint = alert.pointer("/evidences/0/src_endpoint");
    let endpoint = endpoint.unwrap_or(&Value::Null);
    let place: Vec<String> = ["/location/city", "/location/country"]
        .iter()
        .filter_map(|path| {
            word(endpoint, path).or_else(|| word(event, &format!("/src_endpoint{path}")))
        })
        .collect();
    Origin {
        ip: word(endpoint, "/ip"),
        name: word(endpoint, "/name"),
        place: (!place.is_empty()).then(|| place.join(", ")),
        network: word(event, "/src_endpoint/zone"),
    }
}

fn correlation(written: &Value) -> Correlation {
    let group = written.get("group").and_then(Value::as_object);
    Correlation {
        kind: word(written, "/type").unwrap_or_default(),
        threshold: word(written, "/threshold").unwrap_or_default(),
        timespan_seconds: int(written, "/timespan_seconds").map_or(0, i64::unsigned_abs),
        group: group
            .into_iter()
            .flatten()
            .take(MAX_LIST)
            .filter_map(|(field, value)| {
                Some((shorten(&printable_prose(field), MAX_WORD), word(value, "")?))
            })
            .collect(),
    }
}

fn attack(attacks: Option<&Value>) -> Vec<String> {
    let attacks = attacks.and_then(Value::as_array).into_iter().flatten();
    let parts = attacks.flat_map(|attack| {
        ["tactic", "technique", "sub_technique"].map(|part| {
            let part = attack.get(part)?;
            match (word(part, "/name"), word(part, "/uid")) {
                (Some(name), Some(uid)) => Some(format!("{name} ({uid})")),
                (name, uid) => name.or(uid),
            }
        })
    });
    parts.flatten().take(MAX_LIST).collect()
}
