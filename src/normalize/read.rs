//! What a record is: an event of a known vendor, a CloudEvent of unknown origin, or a value that holds events.

use super::actiontrail;
use super::cloudevents::{self, Incoming};
use super::confluent;
use super::container::{Container, Within};
use super::error::NormalizeError;
use super::labels::{NUMBER_AS_TEXT, REPEATED_NAMES, SURROGATE_AS_TEXT};
use super::normalizer::{Normalizer, Opened};
use super::redpanda;
use crate::catalog::Catalogs;
use crate::event::{AuditEvent, RawRecord};
use crate::json::{Document, Memory, NodeId, Portable, Text, ValueKind};

/// The vendors whose events are known, in the order in which they are asked. An event of none of them is
/// kept as a CloudEvent of unknown origin.
static NORMALIZERS: [Normalizer; 3] = [
    confluent::NORMALIZER,
    actiontrail::NORMALIZER,
    redpanda::NORMALIZER,
];

/// Whether a value is the payload of a known vendor's event.
fn is_payload(document: &Document<'_>, data: NodeId) -> bool {
    let mut vendors = NORMALIZERS.iter();
    vendors.any(|vendor| (vendor.is_payload)(document, data))
}

/// What a record is.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all records are events, which would each be allocated"
)]
pub enum Normalized<'a> {
    /// An event.
    Event(AuditEvent<'a>),
    /// A value that holds events; each is to be normalized [`Within`] it.
    Container(Container<'a>),
}

/// Describes a record in OCSF terms. With `memory`, the document is parsed in it.
///
/// # Errors
/// [`NormalizeError`]: the record belongs among the dead letters, but for
/// [`JsonError::NotPortable`]: [`normalize_portable`] reads it.
pub fn normalize<'a>(
    record: &RawRecord<'a>,
    within: &Within<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<Normalized<'a>, NormalizeError> {
    let incoming = Incoming::read(record, memory, is_payload)?;
    let mut vendors = NORMALIZERS.iter();
    let mut event = match vendors.find(|vendor| (vendor.recognizes)(&incoming)) {
        Some(vendor) => (vendor.normalize)(incoming, catalogs)?,
        None => match open(incoming)? {
            Opened::Container(container) => return Ok(Normalized::Container(container)),
            Opened::Other(incoming) => cloudevents::generic(incoming)?,
        },
    };
    event.unmapped.around = within.around;
    if !event.unmapped.repeated.is_empty() {
        event.metadata.labels.push(Text::from(REPEATED_NAMES));
    }
    Ok(Normalized::Event(event))
}

/// Opens an array, or what a vendor knows as something that holds its events. The payload of an event that stands
/// in headers is not opened.
fn open(mut incoming: Incoming<'_>) -> Result<Opened<'_>, NormalizeError> {
    if incoming.is_binary() {
        return Ok(Opened::Other(incoming));
    }
    let root = incoming.document.root();
    if incoming.document.kind(root) == ValueKind::Array {
        return Container::list(incoming.document, root).map(Opened::Container);
    }
    for open in NORMALIZERS.iter().filter_map(|vendor| vendor.open) {
        incoming = match open(incoming)? {
            Opened::Other(incoming) => incoming,
            container => return Ok(container),
        };
    }
    Ok(Opened::Other(incoming))
}

/// Describes a record of which `portable` is the value, as every JSON parser reads it.
///
/// # Errors
/// [`NormalizeError`]: the record belongs among the dead letters.
pub fn normalize_portable<'a>(
    record: &RawRecord<'a>,
    portable: &'a Portable,
    within: &Within<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<Normalized<'a>, NormalizeError> {
    let record = RawRecord {
        value: Some(&portable.text),
        ..record.clone()
    };
    let mut normalized = normalize(&record, within, catalogs, memory)?;
    if let Normalized::Event(event) = &mut normalized {
        let labels = [
            (portable.has_surrogates, SURROGATE_AS_TEXT),
            (portable.has_numbers, NUMBER_AS_TEXT),
        ];
        let labels = labels.iter().filter(|(is_so, _)| *is_so);
        let labels = labels.map(|(_, label)| Text::from(*label));
        event.metadata.labels.extend(labels);
    }
    Ok(normalized)
}

/// The event that a record is; one that holds events is no object.
#[cfg(test)]
pub(crate) fn event_of<'a>(
    record: &RawRecord<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<AuditEvent<'a>, NormalizeError> {
    match normalize(record, &Within::default(), catalogs, memory)? {
        Normalized::Event(event) => Ok(event),
        Normalized::Container(_) => Err(NormalizeError::NotAnObject),
    }
}
