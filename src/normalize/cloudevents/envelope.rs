//! The envelope of a CloudEvent: its context attributes, moved out of the document (structured mode) or read from
//! the record's headers (binary mode).

use std::collections::HashMap;

use super::incoming::{Attribute, Incoming, Members, Mode, attribute_name};
use crate::event::{Metadata, Unmapped};
use crate::json::{Document, NodeId, Text, ValueKind, folded_name};
use crate::normalize::error::NormalizeError;
use crate::normalize::time::{EventTime, StatedTime, event_time};
use crate::normalize::walk;

/// A CloudEvent. Its attributes `id`, `source`, `type` and `time` have been moved here from the document or the
/// headers; an empty attribute counts as absent.
pub(in crate::normalize) struct Envelope<'a> {
    pub(in crate::normalize) id: Option<Text<'a>>,
    pub(in crate::normalize) source: Option<Text<'a>>,
    pub(in crate::normalize) kind: Option<Text<'a>>,
    pub(in crate::normalize) time: Option<Text<'a>>,
    /// Whether the event has a `time` that is not a string. Such a `time` stays in the document.
    time_is_not_text: bool,
    /// A copy: the attribute also stays in `unmapped`.
    pub(in crate::normalize) subject: Option<Text<'a>>,
    /// Whether the event has the attribute `specversion`.
    has_specversion: bool,
    /// The payload (`data`), if there is one that is not `null`.
    pub(in crate::normalize) data: Option<NodeId>,
    /// The document and the attributes that have no OCSF attribute.
    pub(in crate::normalize) unmapped: Unmapped<'a>,
    /// Labels for `metadata.labels` that say how the envelope was read.
    pub(in crate::normalize) labels: Vec<&'static str>,
}

/// Label of an event that was the `data` of another CloudEvent.
const WRAPPED: &str = "cloudevents:wrapped";

/// Label of an event in structured mode whose headers contain other values than its own attributes.
const HEADERS_DIFFER: &str = "cloudevents:headers_differ";

impl<'a> Envelope<'a> {
    /// Moves the attributes out of a record.
    ///
    /// # Errors
    /// In structured mode, the value is not an object. In binary mode, an attribute in a header is not UTF-8,
    /// two headers give `datacontenttype`, or a header has the name `ce_data`.
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
                    envelope.merge_headers(attributes);
                }
                Ok(envelope)
            }
        }
    }

    /// Whether the event has the four attributes that CloudEvents requires: `specversion`, `id`, `source` and `type`.
    pub(super) fn has_required_attributes(&self) -> bool {
        self.has_specversion && self.id.is_some() && self.source.is_some() && self.kind.is_some()
    }

    /// The event's own time if it is plausible, else the time that is used instead of it. `record_ms` is the
    /// timestamp of the record, milliseconds since the Unix epoch.
    pub(in crate::normalize) fn event_time(&self, record_ms: Option<i64>) -> EventTime {
        let stated = match &self.time {
            Some(text) => StatedTime::Text(text),
            None if self.time_is_not_text => StatedTime::NotText,
            None => StatedTime::Absent,
        };
        event_time(stated, record_ms)
    }

    /// OCSF `metadata` with the attributes that come from the envelope.
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

/// The whole document, from which nothing is moved, and the attributes in headers under the names of the headers.
/// This is for a vendor whose payload repeats what the envelope says.
///
/// # Errors
/// A header is not UTF-8, or two headers give `datacontenttype`.
pub(in crate::normalize) fn unmapped_envelope(
    incoming: Incoming<'_>,
) -> Result<Unmapped<'_>, NormalizeError> {
    let mut unmapped = Unmapped::new(incoming.document, None);
    let data_type = content_type(&incoming.content_types, &incoming.attributes)?;
    for Attribute { header, value, .. } in incoming.attributes {
        let value = header_text(header, value)?;
        unmapped.attributes.push((header.into(), value));
    }
    unmapped.attributes.extend(data_type);
    Ok(unmapped)
}

/// The envelope of an event in structured mode.
fn structured(document: Document<'_>, members: Members) -> Result<Envelope<'_>, NormalizeError> {
    if document.kind(document.root()) != ValueKind::Object {
        return Err(NormalizeError::NotAnObject);
    }
    let is_set = |id: &NodeId| document.kind(*id) != ValueKind::Null;
    let has_time = members.time.as_ref().is_some_and(is_set);
    let subject = walk::text(&document, members.subject);
    let has_specversion = walk::text(&document, members.specversion).is_some();
    let mut unmapped = Unmapped::new(document, None);
    let mut take = |node| walk::take(&mut unmapped, node);
    let time = take(members.time);
    Ok(Envelope {
        id: take(members.id),
        source: take(members.source),
        kind: take(members.kind),
        time_is_not_text: has_time && time.is_none(),
        time,
        subject,
        has_specversion,
        data: members.data,
        unmapped,
        labels: members.wrapped.then_some(WRAPPED).into_iter().collect(),
    })
}

impl<'a> Envelope<'a> {
    /// Merges attributes in headers into an event in structured mode. An attribute that the event lacks is taken from
    /// its header. The event's own attributes have precedence: a header with another value is kept as unmapped, and
    /// [`HEADERS_DIFFER`] is added. Invalid UTF-8 in a header is replaced with U+FFFD.
    fn merge_headers(&mut self, attributes: Vec<Attribute<'a>>) {
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
                "time" if !self.time_is_not_text => &mut self.time,
                _ => {
                    let member = members.get(&folded_name(&name)).copied();
                    let text = walk::text(&self.unmapped.document, member);
                    if member.is_none() {
                        self.add_missing(&name, header, value);
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

    /// Adds an attribute that the event lacks, with the value of its header.
    fn add_missing(&mut self, name: &str, header: &'a str, value: Text<'a>) {
        self.has_specversion |= name == "specversion";
        if name == "subject" && self.subject.is_none() && !value.is_empty() {
            self.subject = Some(value.clone());
        }
        self.unmapped.attributes.push((header.into(), value));
    }

    /// Keeps a header whose value differs from the event's own attribute, and labels the event.
    fn keep_different(&mut self, header: &'a str, value: Text<'a>) {
        self.unmapped.attributes.push((header.into(), value));
        if !self.labels.contains(&HEADERS_DIFFER) {
            self.labels.push(HEADERS_DIFFER);
        }
    }
}

/// The value of a header, which must be UTF-8.
fn header_text<'a>(name: &str, value: &'a [u8]) -> Result<Text<'a>, NormalizeError> {
    match std::str::from_utf8(value) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(NormalizeError::HeaderNotUtf8 {
            name: name.to_owned(),
        }),
    }
}

/// The envelope of an event in binary mode, whose document is the payload.
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
        time_is_not_text: false,
        subject: None,
        has_specversion: false,
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
            // The output writes the payload under this name.
            "data" => {
                return Err(NormalizeError::DuplicateKey {
                    first: header.to_owned(),
                    second: name,
                });
            }
            _ => {
                envelope.has_specversion |= name == "specversion";
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

/// The attribute `datacontenttype` and its value. In binary mode the header `content-type` gives it.
///
/// # Errors
/// A second header gives it too, or the header is not UTF-8.
fn content_type<'a>(
    content_types: &[(&'a str, &'a [u8])],
    attributes: &[Attribute<'a>],
) -> Result<Option<(Text<'a>, Text<'a>)>, NormalizeError> {
    let mut headers = content_types.iter().copied();
    let Some((name, value)) = headers.next() else {
        return Ok(None);
    };
    let attributes = attributes.iter();
    let mut explicit = attributes.filter(|attribute| attribute.name == "datacontenttype");
    let second = headers.next().map(|(second, _)| second);
    if let Some(second) = second.or_else(|| explicit.next().map(|attribute| attribute.header)) {
        return Err(NormalizeError::DuplicateKey {
            first: name.to_owned(),
            second: second.to_owned(),
        });
    }
    Ok(Some((
        Text::from("datacontenttype"),
        header_text(name, value)?,
    )))
}
