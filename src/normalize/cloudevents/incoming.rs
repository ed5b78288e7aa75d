//! A record with its parsed value, and where it has the attributes of a CloudEvent. The value decides the content
//! mode, because producers omit the header `content-type` or set it wrongly: if the value is a complete event, the
//! mode is structured, whatever the headers say.
//! Invariant: nothing is moved out of the document, so that each vendor sees it as it arrived.

use crate::event::{Header, RawRecord};
use crate::json::{Document, Memory, Names, NodeId, Text, ValueKind, repeated_name};
use crate::normalize::error::NormalizeError;
use crate::normalize::walk;

/// Whether a value is the payload of an event of a known vendor. The envelope does not matter.
pub(in crate::normalize) type IsPayload = fn(&Document<'_>, NodeId) -> bool;

/// A record that is to be normalized, with its parsed value.
pub(in crate::normalize) struct Incoming<'a> {
    /// The parsed value of the record.
    pub(in crate::normalize) document: Document<'a>,
    /// The timestamp of the Kafka record, milliseconds since the Unix epoch.
    pub(in crate::normalize) timestamp_ms: Option<i64>,
    pub(super) mode: Mode,
    /// The CloudEvents attributes in the record's headers, in either mode.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// In binary mode, the names and values of the headers `content-type`, which give the attribute
    /// `datacontenttype`; empty in structured mode.
    pub(super) content_types: Vec<(&'a str, &'a [u8])>,
}

/// The content mode of a CloudEvent, as the CloudEvents specification names it.
pub(super) enum Mode {
    /// The attributes are in the headers, and the value is the payload.
    Binary,
    /// The attributes and the payload are members of the value.
    Structured(Members),
}

/// The members of an event in structured mode; `None` if the event lacks the member.
pub(super) struct Members {
    pub(super) id: Option<NodeId>,
    pub(super) source: Option<NodeId>,
    pub(super) kind: Option<NodeId>,
    pub(super) time: Option<NodeId>,
    pub(super) subject: Option<NodeId>,
    pub(super) specversion: Option<NodeId>,
    /// The payload; `None` also if it is `null`.
    pub(super) data: Option<NodeId>,
    /// Whether this event was the `data` of another event.
    pub(super) wrapped: bool,
}

/// A CloudEvents attribute in a header.
pub(super) struct Attribute<'a> {
    /// The name of the header.
    pub(super) header: &'a str,
    /// The name of the attribute: that of the header without `ce_`, in lower case.
    pub(super) name: String,
    pub(super) value: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Parses the value of a record and finds the attributes. With `memory`, its allocations are reused for the
    /// document.
    ///
    /// # Errors
    /// The record has no value, the value is not JSON, or two headers give the same attribute.
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

    /// Whether the event is in binary mode: its attributes are in headers, and the value is its payload.
    pub(in crate::normalize) fn is_binary(&self) -> bool {
        matches!(self.mode, Mode::Binary)
    }

    /// The payload of the event, if there is one that is not `null`.
    pub(in crate::normalize) fn data(&self) -> Option<NodeId> {
        let root = self.document.root();
        match &self.mode {
            Mode::Binary => (self.document.kind(root) != ValueKind::Null).then_some(root),
            Mode::Structured(members) => members.data,
        }
    }

    /// Whether the event was the `data` of another CloudEvent.
    pub(in crate::normalize) fn is_wrapped(&self) -> bool {
        matches!(&self.mode, Mode::Structured(members) if members.wrapped)
    }

    /// The CloudEvents attribute `type`: that of the value, else that of the headers.
    pub(in crate::normalize) fn kind(&self) -> Option<Text<'a>> {
        self.attribute("type", |members| members.kind)
    }

    /// The CloudEvents attribute `source`: that of the value, else that of the headers.
    pub(in crate::normalize) fn source(&self) -> Option<Text<'a>> {
        self.attribute("source", |members| members.source)
    }

    /// An attribute: that of the value, else that of the headers.
    fn attribute(&self, name: &str, of: fn(&Members) -> Option<NodeId>) -> Option<Text<'a>> {
        let member = match &self.mode {
            Mode::Binary => None,
            Mode::Structured(members) => walk::text(&self.document, of(members)),
        };
        member.or_else(|| {
            let mut attributes = self.attributes.iter();
            let found = attributes.find(|attribute| attribute.name == name)?;
            std::str::from_utf8(found.value).ok().map(Text::from)
        })
    }
}

/// The names and values of the headers `content-type`.
fn content_types<'a>(headers: &[Header<'a>]) -> Vec<(&'a str, &'a [u8])> {
    let is_content_type = |header: &&Header<'a>| header.name.eq_ignore_ascii_case("content-type");
    let headers = headers.iter().filter(is_content_type);
    headers
        .filter_map(|header| Some((header.name, header.value?)))
        .collect()
}

/// The attributes in headers. A header whose value is null does not set its attribute. The specification requires
/// names in lower case, but some libraries capitalize headers as in HTTP, so the case is ignored.
///
/// # Errors
/// Two headers give the same attribute.
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

/// The part of a header's name that follows `ce_`; `None` if the name has no such prefix. The case is ignored.
pub(super) fn attribute_name(header: &str) -> Option<&str> {
    let (prefix, name) = header.split_at_checked("ce_".len())?;
    prefix.eq_ignore_ascii_case("ce_").then_some(name)
}

/// The members of a structured event that are read. Their names must be spelled exactly like this.
const ATTRIBUTES: Names<7> = Names::new([
    "id",
    "source",
    "type",
    "time",
    "subject",
    "specversion",
    "data",
]);

/// Whether a value is an event in structured mode: an object with all attributes that CloudEvents requires, or one
/// whose `data` is the payload of a known vendor's event. Such a payload itself is not an event in structured mode,
/// whatever members it has.
fn is_event(document: &Document<'_>, object: NodeId, is_payload: IsPayload) -> bool {
    if document.kind(object) != ValueKind::Object || is_payload(document, object) {
        return false;
    }
    let [id, source, kind, _, _, specversion, data] = document.members_named(object, &ATTRIBUTES);
    let is_set = |member| walk::text(document, member).is_some();
    data.is_some_and(|data| is_payload(document, data))
        || [id, source, kind, specversion].into_iter().all(is_set)
}

impl Members {
    /// The members of the event in the value. If the `data` of an event is itself an event, the members are those of
    /// the inner event; a member that it lacks is taken from the outer event.
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
        let [id, source, kind, time, subject, specversion, data] = members;
        Members {
            id,
            source,
            kind,
            time,
            subject,
            specversion,
            data: data.filter(|data| document.kind(*data) != ValueKind::Null),
            wrapped,
        }
    }
}
