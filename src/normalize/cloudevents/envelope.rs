//! The envelope of a CloudEvent: its attributes, moved out of the document or taken from headers.

use std::collections::HashMap;

use super::incoming::{Attribute, Incoming, Members, Mode, attribute_name};
use crate::event::{Metadata, Unmapped};
use crate::json::{Document, NodeId, Text, ValueKind, folded_name};
use crate::normalize::error::NormalizeError;
use crate::normalize::time::{EventTime, StatedTime, event_time};
use crate::normalize::walk;

/// A CloudEvent whose `id`, `source`, `type` and `time` have moved here.
pub(in crate::normalize) struct Envelope<'a> {
    pub(in crate::normalize) id: Option<Text<'a>>,
    pub(in crate::normalize) source: Option<Text<'a>>,
    pub(in crate::normalize) kind: Option<Text<'a>>,
    pub(in crate::normalize) time: Option<Text<'a>>,
    /// A `time` that is no string: it stays where it was.
    odd_time: bool,
    /// A copy.
    pub(in crate::normalize) subject: Option<Text<'a>>,
    has_version: bool,
    /// The payload, if there is one.
    pub(in crate::normalize) data: Option<NodeId>,
    pub(in crate::normalize) unmapped: Unmapped<'a>,
    /// For `metadata.labels`: how the envelope was read.
    pub(in crate::normalize) labels: Vec<&'static str>,
}

/// Label of an event that another CloudEvent carried as its data.
const WRAPPED: &str = "cloudevents:wrapped";

/// Label of an event whose headers differ from its own attributes.
const HEADERS_DIFFER: &str = "cloudevents:headers_differ";

impl<'a> Envelope<'a> {
    /// Moves the attributes out of a record.
    ///
    /// # Errors
    /// The value is no event, or its headers cannot be read or can be read in two ways.
    pub(in crate::normalize) fn take(
        incoming: Incoming<'a>,
    ) -> Result<Envelope<'a>, NormalizeError> {
        let data = incoming.data();
        let Incoming {
            document,
            mode,
            attributes,
            content_types,
            ..
        } = incoming;
        match mode {
            Mode::Binary => binary(document, data, attributes, &content_types),
            Mode::Structured(members) => {
                let mut envelope = structured(document, members)?;
                if !attributes.is_empty() {
                    envelope.compare(attributes);
                }
                Ok(envelope)
            }
        }
    }

    /// Whether every attribute that CloudEvents requires is there.
    pub(super) fn is_complete(&self) -> bool {
        self.has_version && self.id.is_some() && self.source.is_some() && self.kind.is_some()
    }

    /// The event's time, or the time that is used instead.
    pub(in crate::normalize) fn event_time(&self, record_ms: Option<i64>) -> EventTime {
        let written = match &self.time {
            Some(text) => StatedTime::Text(text),
            None if self.odd_time => StatedTime::NotText,
            None => StatedTime::Absent,
        };
        event_time(written, record_ms)
    }

    /// OCSF `metadata` so far as the envelope fills it.
    pub(in crate::normalize) fn metadata(&self) -> Metadata<'a> {
        Metadata {
            uid: self.id.clone(),
            event_code: self.kind.clone(),
            original_time: self.time.clone(),
            source: self.source.clone(),
            ..Metadata::default()
        }
    }
}

/// The whole document with nothing moved, and the attributes in headers under the names of the headers: for an
/// event whose payload says all that its envelope says.
pub(in crate::normalize) fn unread(incoming: Incoming<'_>) -> Unmapped<'_> {
    let mut unmapped = Unmapped::new(incoming.document, None);
    let attributes = incoming.attributes.into_iter();
    let attributes = attributes.map(|attribute| (attribute.header, attribute.value));
    let headers = attributes.chain(incoming.content_types);
    unmapped.attributes.extend(headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value).into_owned();
        (Text::from(name), Text::from(value))
    }));
    unmapped
}

fn structured(document: Document<'_>, members: Members) -> Result<Envelope<'_>, NormalizeError> {
    if document.kind(document.root()) != ValueKind::Object {
        return Err(NormalizeError::NotAnObject);
    }
    let is_set = |id: &NodeId| document.kind(*id) != ValueKind::Null;
    let has_time = members.time.as_ref().is_some_and(is_set);
    let subject = walk::text(&document, members.subject);
    let has_version = walk::text(&document, members.version).is_some();
    let mut unmapped = Unmapped::new(document, None);
    let mut take = |node| walk::take(&mut unmapped, node);
    let time = take(members.time);
    Ok(Envelope {
        id: take(members.id),
        source: take(members.source),
        kind: take(members.kind),
        odd_time: has_time && time.is_none(),
        time,
        subject,
        has_version,
        data: members.data,
        unmapped,
        labels: members.wrapped.then_some(WRAPPED).into_iter().collect(),
    })
}

impl<'a> Envelope<'a> {
    /// Compares headers with an event in structured mode, whose own attributes take precedence. An attribute
    /// that the event lacks is taken from its header; a header with another value is kept. Headers that are
    /// not UTF-8 are read with replacement characters.
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

    /// Takes an attribute that the event lacks from its header.
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

/// A header's value as text.
fn header_text<'a>(name: &str, value: &'a [u8]) -> Result<Text<'a>, NormalizeError> {
    match std::str::from_utf8(value) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(NormalizeError::HeaderNotUtf8 {
            name: name.to_owned(),
        }),
    }
}

fn binary<'a>(
    document: Document<'a>,
    data: Option<NodeId>,
    attributes: Vec<Attribute<'a>>,
    content_types: &[(&'a str, &'a [u8])],
) -> Result<Envelope<'a>, NormalizeError> {
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
    let data_type = content_type(content_types, &attributes)?;
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
    content_types: &[(&'a str, &'a [u8])],
    attributes: &[Attribute<'a>],
) -> Result<Option<(Text<'a>, Text<'a>)>, NormalizeError> {
    let mut headers = content_types.iter().copied();
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
