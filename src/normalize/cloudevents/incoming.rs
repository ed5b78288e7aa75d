//! A record whose value is parsed, and where the attributes of a CloudEvent stand in it. The value
//! decides the mode, because producers omit the header or set it wrongly: a value that is a whole event is
//! structured, whatever the headers say.
//! Invariant: nothing is moved out of the document, so that each vendor sees it as it arrived.

use crate::event::{Header, RawRecord};
use crate::json::{Document, Memory, Names, NodeId, Text, ValueKind, repeated_name};
use crate::normalize::error::NormalizeError;
use crate::normalize::walk;

/// Whether a value is the payload of an audit event that is known, in whatever envelope.
pub(in crate::normalize) type IsPayload = fn(&Document<'_>, NodeId) -> bool;

/// A record that is to become an event.
pub(in crate::normalize) struct Incoming<'a> {
    pub(in crate::normalize) document: Document<'a>,
    /// The record's own timestamp, milliseconds since the Unix epoch.
    pub(in crate::normalize) timestamp_ms: Option<i64>,
    pub(super) mode: Mode,
    /// The CloudEvents attributes in headers.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// In binary mode the headers `content-type`, which are the attribute `datacontenttype`.
    pub(super) content_types: Vec<(&'a str, &'a [u8])>,
}

/// Where the attributes of a CloudEvent stand.
pub(super) enum Mode {
    /// In the headers; the value is the payload.
    Binary,
    /// In the value.
    Structured(Members),
}

/// Members of a structured event, absent ones included.
pub(super) struct Members {
    pub(super) id: Option<NodeId>,
    pub(super) source: Option<NodeId>,
    pub(super) kind: Option<NodeId>,
    pub(super) time: Option<NodeId>,
    pub(super) subject: Option<NodeId>,
    pub(super) version: Option<NodeId>,
    /// Not `null`.
    pub(super) data: Option<NodeId>,
    /// Whether another event carried this one as its data.
    pub(super) wrapped: bool,
}

/// An attribute in a header.
pub(super) struct Attribute<'a> {
    /// The header's name.
    pub(super) header: &'a str,
    /// The same without `ce_`, in lower case.
    pub(super) name: String,
    pub(super) value: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Parses a record's value and finds the attributes. With `memory`, the document is parsed in it.
    ///
    /// # Errors
    /// The value is no JSON, or an attribute stands in two headers.
    pub(in crate::normalize) fn read(
        record: &RawRecord<'a>,
        memory: Option<&'a Memory>,
        is_payload: IsPayload,
    ) -> Result<Incoming<'a>, NormalizeError> {
        let value = record.value.ok_or(NormalizeError::Tombstone)?;
        let document = Document::parse_in(memory, value)?;
        let attributes = attributes(&record.headers)?;
        let names_an_event = attributes
            .iter()
            .any(|attribute| matches!(attribute.name.as_str(), "specversion" | "id" | "type"));
        let root = document.root();
        let mode = match names_an_event && !is_event(&document, root, is_payload) {
            true => Mode::Binary,
            false => Mode::Structured(Members::of(&document, is_payload)),
        };
        Ok(Incoming {
            timestamp_ms: record.timestamp_ms,
            content_types: match mode {
                Mode::Binary => content_types(&record.headers),
                Mode::Structured(_) => Vec::new(),
            },
            document,
            mode,
            attributes,
        })
    }

    /// Whether the attributes stand in headers, and the value is the payload.
    pub(in crate::normalize) fn is_binary(&self) -> bool {
        matches!(self.mode, Mode::Binary)
    }

    /// The event's payload, if there is one.
    pub(in crate::normalize) fn data(&self) -> Option<NodeId> {
        let root = self.document.root();
        match &self.mode {
            Mode::Binary => (self.document.kind(root) != ValueKind::Null).then_some(root),
            Mode::Structured(members) => members.data,
        }
    }

    /// CloudEvents `type`, of the event or of its header.
    pub(in crate::normalize) fn kind(&self) -> Option<Text<'a>> {
        let member = match &self.mode {
            Mode::Binary => None,
            Mode::Structured(members) => walk::text(&self.document, members.kind),
        };
        member.or_else(|| {
            let mut attributes = self.attributes.iter();
            let kind = attributes.find(|attribute| attribute.name == "type")?;
            std::str::from_utf8(kind.value).ok().map(Text::from)
        })
    }
}

fn content_types<'a>(headers: &[Header<'a>]) -> Vec<(&'a str, &'a [u8])> {
    let is_content_type = |header: &&Header<'a>| header.name.eq_ignore_ascii_case("content-type");
    let headers = headers.iter().filter(is_content_type);
    headers
        .filter_map(|header| Some((header.name, header.value?)))
        .collect()
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
pub(super) fn attribute_name(header: &str) -> Option<&str> {
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

/// Whether an object is an event in structured mode: all that CloudEvents requires, or one whose data is a
/// known payload. A payload itself is not an event, whatever else it contains.
fn is_event(document: &Document<'_>, object: NodeId, is_payload: IsPayload) -> bool {
    if document.kind(object) != ValueKind::Object || is_payload(document, object) {
        return false;
    }
    let [id, source, kind, _, _, version, data] = document.members_named(object, &ATTRIBUTES);
    let says_something = |id| walk::text(document, id).is_some();
    data.is_some_and(|data| is_payload(document, data))
        || [id, source, kind, version].into_iter().all(says_something)
}

impl Members {
    /// The members of the event in the value. If one event carries another as its data, the inner one is meant;
    /// an attribute that it lacks is taken from the outer one.
    fn of(document: &Document<'_>, is_payload: IsPayload) -> Members {
        let mut members = document.members_named(document.root(), &ATTRIBUTES);
        let mut wrapped = false;
        while let [outer @ .., Some(data)] = members
            && is_event(document, data, is_payload)
        {
            members = document.members_named(data, &ATTRIBUTES);
            for (member, outer) in members.iter_mut().zip(outer) {
                *member = member.or(outer);
            }
            wrapped = true;
        }
        let [id, source, kind, time, subject, version, data] = members;
        Members {
            id,
            source,
            kind,
            time,
            subject,
            version,
            data: data.filter(|data| document.kind(*data) != ValueKind::Null),
            wrapped,
        }
    }
}
