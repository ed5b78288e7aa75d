//! The CloudEvents envelope, structured (all in the value) or binary (attributes in `ce_` headers).
//! Read tolerantly: Confluent Platform's extension names and its `specversion` 0.3 break the
//! specification. Attributes without a home stay: in the document, or in `Unmapped::attributes`.

use super::NormalizeError;
use super::time::{EventTime, Written, event_time};
use super::walk;
use crate::event::json::{Document, Kind, Names, NodeId};
use crate::event::{
    Activity, Api, AuditEvent, Class, Dialect, Endpoint, Header, Metadata, RawRecord, Status, Text,
    Unmapped, User,
};

/// A CloudEvent whose `id`, `source`, `type` and `time` have moved here.
pub(super) struct Envelope<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) source: Option<Text<'a>>,
    pub(super) kind: Option<Text<'a>>,
    pub(super) time: Option<Text<'a>>,
    /// A `time` that is no string: it stays where it was.
    odd_time: bool,
    /// A copy.
    pub(super) subject: Option<Text<'a>>,
    has_version: bool,
    /// The payload, if there is one.
    pub(super) data: Option<NodeId>,
    pub(super) unmapped: Unmapped<'a>,
}

impl<'a> Envelope<'a> {
    /// Whether every attribute that CloudEvents requires is there.
    pub(super) fn is_complete(&self) -> bool {
        self.has_version && self.id.is_some() && self.source.is_some() && self.kind.is_some()
    }

    /// The event's time, or what is taken for it.
    pub(super) fn event_time(&self, record_ms: Option<i64>) -> EventTime {
        let written = match &self.time {
            Some(text) => Written::Text(text),
            None if self.odd_time => Written::NotText,
            None => Written::Absent,
        };
        event_time(written, record_ms)
    }

    /// OCSF `metadata` so far as the envelope fills it.
    pub(super) fn metadata(&self) -> Metadata<'a> {
        Metadata {
            uid: self.id.clone(),
            event_code: self.kind.clone(),
            original_time: self.time.clone(),
            source: self.source.clone(),
            ..Metadata::default()
        }
    }
}

/// Reads a record's envelope.
pub(super) fn read<'a>(record: &RawRecord<'a>) -> Result<Envelope<'a>, NormalizeError> {
    let value = record.value.ok_or(NormalizeError::Tombstone)?;
    let document = Document::parse(value)?;
    if is_binary(&record.headers) {
        return binary(document, &record.headers);
    }
    structured(document)
}

fn is_binary(headers: &[Header<'_>]) -> bool {
    let prefix = b"application/cloudevents";
    let structured = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("content-type"))
        .filter_map(|header| header.value?.get(..prefix.len()))
        .any(|start| start.eq_ignore_ascii_case(prefix));
    !structured
        && headers
            .iter()
            .any(|header| matches!(header.name, "ce_specversion" | "ce_id" | "ce_type"))
}

/// The attributes that are read, under their exact names.
const ATTRIBUTES: Names<7> = Names::new([
    "id",
    "source",
    "type",
    "time",
    "subject",
    "specversion",
    "data",
]);

fn structured(document: Document<'_>) -> Result<Envelope<'_>, NormalizeError> {
    let root = document.root();
    if document.kind(root) != Kind::Object {
        return Err(NormalizeError::NotAnObject);
    }
    if let Some(key) = document.repeated_key(root) {
        return Err(NormalizeError::DuplicateKey {
            key: key.into_owned(),
        });
    }
    let [id, source, kind, time, subject, version, data] =
        document.members_named(root, &ATTRIBUTES);
    let text_of = |node| walk::text(&document, node);
    let is_set = |id: &NodeId| document.kind(*id) != Kind::Null;
    let subject = text_of(subject);
    let has_version = text_of(version).is_some();
    let has_time = time.as_ref().is_some_and(is_set);
    let data = data.filter(is_set);
    let mut unmapped = Unmapped::new(document, None);
    let mut take = |node| walk::take(&mut unmapped, node);
    let time = take(time);
    Ok(Envelope {
        id: take(id),
        source: take(source),
        kind: take(kind),
        odd_time: has_time && time.is_none(),
        time,
        subject,
        has_version,
        data,
        unmapped,
    })
}

fn binary<'a>(
    document: Document<'a>,
    headers: &[Header<'a>],
) -> Result<Envelope<'a>, NormalizeError> {
    let root = document.root();
    let data = (document.kind(root) != Kind::Null).then_some(root);
    let mut envelope = Envelope {
        id: None,
        source: None,
        kind: None,
        time: None,
        odd_time: false,
        subject: None,
        has_version: false,
        data,
        unmapped: Unmapped::new(document, Some("data")),
    };
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for header in headers {
        let name = match header.name.strip_prefix("ce_") {
            Some(name) => name,
            None if header.name.eq_ignore_ascii_case("content-type") => "datacontenttype",
            None => continue,
        };
        // A null header is an attribute that is not set.
        let Some(value) = header.value else { continue };
        let value = std::str::from_utf8(value).map_err(|_| NormalizeError::HeaderNotUtf8 {
            name: header.name.to_owned(),
        })?;
        seen.push((name, header.name));
        let text = Text::from(value);
        match name {
            "id" if !value.is_empty() => envelope.id = Some(text),
            "source" if !value.is_empty() => envelope.source = Some(text),
            "type" if !value.is_empty() => envelope.kind = Some(text),
            "time" if !value.is_empty() => envelope.time = Some(text),
            _ => {
                envelope.has_version |= name == "specversion";
                if name == "subject" && !value.is_empty() {
                    envelope.subject = Some(text.clone());
                }
                envelope.unmapped.attributes.push((name.into(), text));
            }
        }
    }
    match repeated(&mut seen) {
        Some(key) => Err(NormalizeError::DuplicateKey { key: key.into() }),
        None => Ok(envelope),
    }
}

/// The header of an attribute that occurs twice. They are sorted, since a record may have very many.
fn repeated<'h>(attributes: &mut [(&'h str, &'h str)]) -> Option<&'h str> {
    attributes.sort_unstable();
    let mut pairs = attributes.array_windows();
    let twice = pairs.find(|[(first, _), (second, _)]| first == second);
    twice.map(|[_, (_, header)]| *header)
}

/// A CloudEvent of unknown origin: kept, with nothing read from its payload.
pub(super) fn generic(envelope: Envelope<'_>, record_ms: Option<i64>) -> AuditEvent<'_> {
    let EventTime { time_ms, label } = envelope.event_time(record_ms);
    let labels = label.into_iter().chain(["method:unknown"]);
    let metadata = Metadata {
        dialect: Dialect::CloudEvents,
        labels: labels.map(Text::plain).collect(),
        ..envelope.metadata()
    };
    AuditEvent {
        class: Class::ApiActivity,
        activity: Activity::Other,
        time_ms,
        message: None,
        status: Status::Unknown,
        status_code: None,
        status_detail: None,
        metadata,
        user: User {
            name: Some(Text::plain("unknown")),
            ..User::default()
        },
        session_uid: None,
        app_name: None,
        invoked_by: None,
        authorizations: Vec::new(),
        auth_protocol: None,
        api: Api {
            operation: envelope.kind.unwrap_or(Text::plain("unknown")),
            ..Api::default()
        },
        cloud: None,
        src_endpoint: Endpoint {
            name: Some(Text::plain("unknown")),
            ..Endpoint::default()
        },
        resources: Vec::new(),
        enrichments: Vec::new(),
        unmapped: envelope.unmapped,
        known_method: false,
    }
}
