//! Decides what a record is, and normalizes it: an event of a known vendor, a CloudEvent that no known vendor wrote,
//! or a container of events.

use std::cell::OnceCell;

use super::actiontrail;
use super::cloudevents::{self, Incoming};
use super::confluent;
use super::container::{Container, Within};
use super::error::NormalizeError;
use super::labels::{NUMBER_AS_TEXT, REPEATED_NAMES, SURROGATE_AS_TEXT};
use super::normalizer::{Normalized, Normalizer, Opened};
use super::redpanda;
use super::walk;
use crate::catalog::Catalogs;
#[cfg(test)]
use crate::event::AuditEvent;
use crate::event::RawRecord;
use crate::json::{Document, JsonError, Memory, NodeId, Portable, Text, ValueKind};

/// The normalizers of the known vendors, in the order in which they are tried. A CloudEvent that none of them
/// recognizes is normalized by [`cloudevents::generic`].
static NORMALIZERS: [Normalizer; 3] = [
    confluent::NORMALIZER,
    actiontrail::NORMALIZER,
    redpanda::NORMALIZER,
];

/// Whether a value is the payload of an event of a known vendor.
fn is_payload(document: &Document<'_>, data: NodeId) -> bool {
    let mut vendors = NORMALIZERS.iter();
    vendors.any(|vendor| (vendor.is_payload)(document, data))
}

/// Describes a record in OCSF terms. `within` are the containers in which it was found. With `memory`, its
/// allocations are reused for the document. A value that parsers read differently is rewritten first; `portable` keeps
/// the new text.
///
/// # Errors
/// [`NormalizeError`]: the record becomes a dead letter.
pub fn normalize<'a>(
    record: &RawRecord<'a>,
    portable: &'a OnceCell<Portable>,
    within: &Within<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<Normalized<'a>, NormalizeError> {
    match Incoming::read(record, memory, is_payload) {
        Err(NormalizeError::Json(JsonError::NotPortable)) => {
            let rewritten = || Portable::of(record.value.unwrap_or_default());
            let portable = portable.get_or_init(rewritten);
            normalize_portable(record, portable, within, catalogs, memory)
        }
        incoming => describe(incoming?, within, catalogs),
    }
}

/// Describes a parsed record in OCSF terms.
///
/// # Errors
/// The record becomes a dead letter.
fn describe<'a>(
    incoming: Incoming<'a>,
    within: &Within<'a>,
    catalogs: &'a Catalogs,
) -> Result<Normalized<'a>, NormalizeError> {
    let mut vendors = NORMALIZERS.iter();
    let mut normalized = match vendors.find(|vendor| (vendor.recognizes)(&incoming)) {
        Some(vendor) => (vendor.normalize)(incoming, catalogs),
        None => unrecognized(incoming, within),
    };
    if let Ok(Normalized::Event(event)) = &mut normalized {
        event.unmapped.around = within.around;
        if !event.unmapped.repeated.is_empty() {
            event.metadata.labels.push(Text::from(REPEATED_NAMES));
        }
    }
    normalized
}

/// A record that no vendor recognizes as an event.
fn unrecognized<'a>(
    incoming: Incoming<'a>,
    within: &Within<'a>,
) -> Result<Normalized<'a>, NormalizeError> {
    match open(incoming)? {
        Opened::Container(container) => Ok(Normalized::Container(container)),
        Opened::Other(incoming) => {
            let event = cloudevents::generic(incoming)?;
            match within.in_wrapper {
                true => Err(NormalizeError::Nested),
                false => Ok(Normalized::Event(event)),
            }
        }
    }
}

/// Opens a record that no vendor recognizes as an event: an array, or a container that a vendor knows. In binary mode
/// the value is the payload of an event, so it is not opened.
fn open(mut incoming: Incoming<'_>) -> Result<Opened<'_>, NormalizeError> {
    if incoming.is_binary() {
        return Ok(Opened::Other(incoming));
    }
    let root = incoming.document.root();
    if walk::is_list_of_lists(&incoming.document, root) {
        return Err(NormalizeError::Nested);
    }
    if incoming.document.kind(root) == ValueKind::Array {
        return Container::list(incoming.document, root).map(Opened::Container);
    }
    for open in NORMALIZERS.iter().filter_map(|vendor| vendor.open) {
        incoming = match open(incoming)? {
            Opened::Other(incoming) => incoming,
            container @ Opened::Container(_) => return Ok(container),
        };
    }
    Ok(Opened::Other(incoming))
}

/// Describes a record in OCSF terms, reading `portable` in place of its value: the same JSON, written so that every
/// parser reads it alike. The event gets labels that say what was rewritten.
///
/// # Errors
/// [`NormalizeError`]: the record becomes a dead letter.
fn normalize_portable<'a>(
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
    let incoming = Incoming::read(&record, memory, is_payload)?;
    let mut normalized = describe(incoming, within, catalogs);
    if let Ok(Normalized::Event(event)) = &mut normalized {
        let labels = [
            (portable.has_surrogates, SURROGATE_AS_TEXT),
            (portable.has_numbers, NUMBER_AS_TEXT),
        ];
        let labels = labels.iter().filter(|(is_rewritten, _)| *is_rewritten);
        let labels = labels.map(|(_, label)| Text::from(*label));
        event.metadata.labels.extend(labels);
    }
    normalized
}

/// The event that a record is. A container of events is refused with [`NormalizeError::NotAnObject`].
#[cfg(test)]
pub(crate) fn event_of<'a>(
    record: &RawRecord<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<AuditEvent<'a>, NormalizeError> {
    let incoming = Incoming::read(record, memory, is_payload)?;
    match describe(incoming, &Within::default(), catalogs)? {
        Normalized::Event(event) => Ok(event),
        Normalized::Container(_) => Err(NormalizeError::NotAnObject),
    }
}
