//! The CloudEvents envelope, structured (all in the value) or binary (attributes in `ce_` headers).
//! A value that is a whole event is structured, whatever the headers say.
//! Read tolerantly: Confluent Platform's extension names and its `specversion` 0.3 break the
//! specification. Attributes without a home stay: in the document, or in `Unmapped::attributes`.

use std::collections::HashMap;

use super::error::NormalizeError;
use super::time::{EventTime, Written, event_time};
use super::walk;
use crate::event::{
    API_ACTIVITY, Activity, Api, AuditEvent, Dialect, Endpoint, Header, Metadata, RawRecord,
    Status, Unmapped, User,
};
use crate::json::{Document, Kind, Memory, Names, NodeId, Text, folded_name, repeated_name};

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
    /// For `metadata.labels`: how the envelope was read.
    pub(super) labels: Vec<&'static str>,
}

/// Label of an event that another CloudEvent carried as its data.
const WRAPPED: &str = "cloudevents:wrapped";

/// Label of an event whose headers say something else than it does.
const HEADERS_DIFFER: &str = "cloudevents:headers_differ";

impl<'a> Envelope<'a> {
    /// Whether every attribute that CloudEvents requires is there.
    fn is_complete(&self) -> bool {
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

/// Reads a record's envelope. What the value is decides how it is read, since not every producer
/// says so in a header, or says it right.
pub(super) fn read<'a>(
    record: &RawRecord<'a>,
    memory: Option<&'a Memory>,
) -> Result<Envelope<'a>, NormalizeError> {
    let value = record.value.ok_or(NormalizeError::Tombstone)?;
    let document = Document::parse_in(memory, value)?;
    let attributes = attributes(&record.headers)?;
    let names_an_event = attributes
        .iter()
        .any(|attribute| matches!(attribute.name.as_str(), "specversion" | "id" | "type"));
    if names_an_event && !is_event(&document, document.root()) {
        return binary(document, record, attributes);
    }
    let mut envelope = structured(document)?;
    if !attributes.is_empty() {
        envelope.compare(attributes);
    }
    Ok(envelope)
}

/// An attribute in a header.
struct Attribute<'a> {
    /// The header's name.
    header: &'a str,
    /// The same without `ce_`, in lower case.
    name: String,
    value: &'a [u8],
}

/// A header's value as text.
fn header_text<'a>(name: &str, value: &'a [u8]) -> Result<Text<'a>, NormalizeError> {
    match std::str::from_utf8(value) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(NormalizeError::HeaderNotUtf8 {
            name: name.to_owned(),
        }),
    }
}

/// The attributes in headers; a null header is an attribute that is not set. Their names have no
/// capitals, but some libraries write headers as HTTP does.
fn attributes<'a>(headers: &[Header<'a>]) -> Result<Vec<Attribute<'a>>, NormalizeError> {
    let mut attributes = Vec::new();
    for header in headers {
        let (Some(name), Some(value)) = (attribute_name(header.name), header.value) else {
            continue;
        };
        attributes.push(Attribute {
            header: header.name,
            name: name.to_ascii_lowercase(),
            value,
        });
    }
    let names = attributes.iter().map(|attribute| attribute.header);
    match repeated_name(names) {
        None => Ok(attributes),
        Some((first, second)) => Err(NormalizeError::DuplicateKey {
            first: first.to_owned(),
            second: second.to_owned(),
        }),
    }
}

/// What follows `ce_` in the name of a header.
fn attribute_name(header: &str) -> Option<&str> {
    let (prefix, name) = header.split_at_checked("ce_".len())?;
    prefix.eq_ignore_ascii_case("ce_").then_some(name)
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

/// Whether a value is the payload of one of Confluent's events.
fn is_payload(document: &Document<'_>, data: NodeId) -> bool {
    const METHOD: &str = "methodName";
    // Nearly all are, in this spelling, which is cheap to find out.
    document.has_member(data, METHOD) || document.member_folded(data, METHOD).is_some()
}

/// Whether an object is an event in structured mode: all that CloudEvents requires, or one of
/// Confluent's. The payload of one of Confluent's is none, whatever else it holds.
fn is_event(document: &Document<'_>, object: NodeId) -> bool {
    if document.kind(object) != Kind::Object || is_payload(document, object) {
        return false;
    }
    let [id, source, kind, _, _, version, data] = document.members_named(object, &ATTRIBUTES);
    let says_something = |id| walk::text(document, id).is_some();
    data.is_some_and(|data| is_payload(document, data))
        || [id, source, kind, version].into_iter().all(says_something)
}

fn structured(document: Document<'_>) -> Result<Envelope<'_>, NormalizeError> {
    let root = document.root();
    if document.kind(root) != Kind::Object {
        return Err(NormalizeError::NotAnObject);
    }
    let mut members = document.members_named(root, &ATTRIBUTES);
    let mut labels = Vec::new();
    // An event that another one carries is the one to tell of; where it lacks an attribute, it has
    // that of the other.
    while let [outer @ .., Some(data)] = members
        && is_event(&document, data)
    {
        members = document.members_named(data, &ATTRIBUTES);
        for (member, outer) in members.iter_mut().zip(outer) {
            *member = member.or(outer);
        }
        labels = vec![WRAPPED];
    }
    let [id, source, kind, time, subject, version, data] = members;
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
        labels,
    })
}

impl<'a> Envelope<'a> {
    /// Holds headers against an event in structured mode, whose own attributes count. What the event
    /// does not say is taken from the header, and what it says differently is kept; of what is not
    /// UTF-8, as much as can be read.
    fn compare(&mut self, attributes: Vec<Attribute<'a>>) {
        let document = &self.unmapped.document;
        let members = document.children(document.root());
        let members = members.map(|member| (folded_name(&document.key(member)), member));
        let members: HashMap<Vec<u8>, NodeId> = members.collect();
        for attribute in attributes {
            let Attribute {
                header,
                name,
                value,
            } = attribute;
            let value = header_text(header, value)
                .unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned().into());
            let own = match name.as_str() {
                "id" => &mut self.id,
                "source" => &mut self.source,
                "type" => &mut self.kind,
                "time" if !self.odd_time => &mut self.time,
                _ => {
                    let member = members.get(&folded_name(&name)).copied();
                    let text = walk::text(&self.unmapped.document, member);
                    if member.is_none() {
                        self.complete(&name, header, value);
                    } else if text.as_ref() != Some(&value) {
                        self.keep_different(header, value);
                    }
                    continue;
                }
            };
            match own {
                None if !value.is_empty() => *own = Some(value),
                Some(own) if *own == value => {}
                _ => self.keep_different(header, value),
            }
        }
    }

    /// Keeps a header that says what the event does not.
    fn complete(&mut self, name: &str, header: &'a str, value: Text<'a>) {
        self.has_version |= name == "specversion";
        if name == "subject" && self.subject.is_none() && !value.is_empty() {
            self.subject = Some(value.clone());
        }
        self.unmapped.attributes.push((header.into(), value));
    }

    fn keep_different(&mut self, header: &'a str, value: Text<'a>) {
        self.unmapped.attributes.push((header.into(), value));
        if !self.labels.contains(&HEADERS_DIFFER) {
            self.labels.push(HEADERS_DIFFER);
        }
    }
}

fn binary<'a>(
    document: Document<'a>,
    record: &RawRecord<'a>,
    attributes: Vec<Attribute<'a>>,
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
        labels: Vec::new(),
    };
    let data_type = content_type(record, &attributes)?;
    envelope.unmapped.attributes.extend(data_type);
    for Attribute {
        header,
        name,
        value,
    } in attributes
    {
        let value = header_text(header, value)?;
        match name.as_str() {
            "id" if !value.is_empty() => envelope.id = Some(value),
            "source" if !value.is_empty() => envelope.source = Some(value),
            "type" if !value.is_empty() => envelope.kind = Some(value),
            "time" if !value.is_empty() => envelope.time = Some(value),
            // Where the value is written.
            "data" => {
                return Err(NormalizeError::DuplicateKey {
                    first: header.to_owned(),
                    second: name,
                });
            }
            _ => {
                envelope.has_version |= name == "specversion";
                if name == "subject" && !value.is_empty() {
                    envelope.subject = Some(value.clone());
                }
                let name = attribute_name(header).unwrap_or(header);
                envelope.unmapped.attributes.push((name.into(), value));
            }
        }
    }
    Ok(envelope)
}

/// The header `content-type`, which in binary mode is the attribute `datacontenttype`.
fn content_type<'a>(
    record: &RawRecord<'a>,
    attributes: &[Attribute<'a>],
) -> Result<Option<(Text<'a>, Text<'a>)>, NormalizeError> {
    let headers = record.headers.iter();
    let mut headers = headers
        .filter(|header| header.name.eq_ignore_ascii_case("content-type"))
        .filter_map(|header| Some((header.name, header.value?)));
    let Some((name, value)) = headers.next() else {
        return Ok(None);
    };
    let attributes = attributes.iter();
    let mut others = attributes.filter(|attribute| attribute.name == "datacontenttype");
    let other = headers.next().map(|(other, _)| other);
    if let Some(other) = other.or_else(|| others.next().map(|attribute| attribute.header)) {
        return Err(NormalizeError::DuplicateKey {
            first: name.to_owned(),
            second: other.to_owned(),
        });
    }
    Ok(Some((
        Text::from("datacontenttype"),
        header_text(name, value)?,
    )))
}

/// A CloudEvent of unknown origin: kept, with nothing read from its payload, which may be anybody's.
///
/// # Errors
/// It lacks what CloudEvents requires, or can be read in two ways.
pub(super) fn generic(
    mut envelope: Envelope<'_>,
    record_ms: Option<i64>,
) -> Result<AuditEvent<'_>, NormalizeError> {
    let data = envelope.data;
    walk::note_repeated_names(&mut envelope.unmapped, |document, node| {
        walk::is_below(document, node, data)
    })?;
    if !envelope.is_complete() {
        return Err(NormalizeError::Unrecognized);
    }
    let EventTime { time_ms, label } = envelope.event_time(record_ms);
    let labels = label.into_iter().chain(["method:unknown"]);
    let metadata = Metadata {
        dialect: Dialect::CloudEvents,
        labels: labels.map(Text::from).collect(),
        ..envelope.metadata()
    };
    Ok(AuditEvent {
        class: &API_ACTIVITY,
        activity: Activity::Other,
        time_ms,
        message: None,
        status: Status::Unknown,
        status_code: None,
        status_detail: None,
        metadata,
        user: User {
            name: Some(Text::from("unknown")),
            ..User::default()
        },
        session_uid: None,
        app_name: None,
        invoked_by: None,
        authorizations: Vec::new(),
        auth_protocol: None,
        api: Api {
            operation: envelope.kind.unwrap_or(Text::from("unknown")),
            ..Api::default()
        },
        cloud: None,
        src_endpoint: Endpoint {
            name: Some(Text::from("unknown")),
            ..Endpoint::default()
        },
        resources: Vec::new(),
        enrichments: Vec::new(),
        unmapped: envelope.unmapped,
        known_method: false,
        other_readings: Vec::new(),
        other_request_data: Vec::new(),
    })
}
