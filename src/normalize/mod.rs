//! From a record to an event in OCSF terms. Parses tolerantly: what is not understood stays in
//! the document; only what cannot be read at all, or can be read two ways, is an error.
//! Invariant: a leaf is moved only where its value stands verbatim in an attribute.

mod cloudevents;
mod confluent;
mod crn;
mod error;
mod labels;
mod normalizer;
mod time;
mod walk;

pub use error::NormalizeError;
pub use labels::{CONTRADICTORY, INFERRED, inferred};

use crate::catalog::Catalogs;
use crate::event::{AuditEvent, RawRecord};
use crate::json::{Document, Memory, NodeId, Portable, Text};
use cloudevents::Incoming;
use labels::{NUMBER_AS_TEXT, REPEATED_NAMES, SURROGATE_AS_TEXT};
use normalizer::Normalizer;

/// The vendors whose events are known, in the order in which they are asked. An event of none of them is
/// kept as a CloudEvent of unknown origin.
static NORMALIZERS: [Normalizer; 1] = [confluent::NORMALIZER];

/// Whether a value is the payload of a known vendor's event.
fn is_payload(document: &Document<'_>, data: NodeId) -> bool {
    let mut vendors = NORMALIZERS.iter();
    vendors.any(|vendor| (vendor.is_payload)(document, data))
}

/// Describes a record in OCSF terms. With `memory`, the document is parsed in it.
///
/// # Errors
/// [`NormalizeError`]: the record belongs among the dead letters, but for
/// [`JsonError::NotPortable`]: [`normalize_portable`] makes an event of it.
pub fn normalize<'a>(
    record: &RawRecord<'a>,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<AuditEvent<'a>, NormalizeError> {
    let incoming = Incoming::read(record, memory, is_payload)?;
    let mut vendors = NORMALIZERS.iter();
    let mut event = match vendors.find(|vendor| (vendor.recognizes)(&incoming)) {
        Some(vendor) => (vendor.normalize)(incoming, catalogs)?,
        None => cloudevents::generic(incoming)?,
    };
    if !event.unmapped.repeated.is_empty() {
        event.metadata.labels.push(Text::from(REPEATED_NAMES));
    }
    Ok(event)
}

/// Describes a record of which `portable` is the value, as every JSON parser reads it.
///
/// # Errors
/// [`NormalizeError`]: the record belongs among the dead letters.
pub fn normalize_portable<'a>(
    record: &RawRecord<'a>,
    portable: &'a Portable,
    catalogs: &'a Catalogs,
    memory: Option<&'a Memory>,
) -> Result<AuditEvent<'a>, NormalizeError> {
    let record = RawRecord {
        value: Some(&portable.text),
        ..record.clone()
    };
    let mut event = normalize(&record, catalogs, memory)?;
    let labels = [
        (portable.has_surrogates, SURROGATE_AS_TEXT),
        (portable.has_numbers, NUMBER_AS_TEXT),
    ];
    let labels = labels.iter().filter(|(is_so, _)| *is_so);
    let labels = labels.map(|(_, label)| Text::from(*label));
    event.metadata.labels.extend(labels);
    Ok(event)
}

#[cfg(test)]
mod tests;
