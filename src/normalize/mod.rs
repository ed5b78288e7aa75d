//! From a record to an event in OCSF terms. Parses tolerantly: what is not understood stays in
//! the document; only what cannot be read at all, or can be read two ways, is an error.
//! Invariant: a leaf is moved only where its value stands verbatim in an attribute.

mod cloudevents;
mod confluent;
mod crn;
mod error;
mod labels;
mod time;
mod walk;

pub use error::NormalizeError;
pub use labels::{CONTRADICTORY, INFERRED, inferred};

use crate::catalog::Catalogs;
use crate::event::{AuditEvent, RawRecord};
use crate::json::{Memory, Portable, Text};
use labels::{NUMBER_AS_TEXT, REPEATED_NAMES, SURROGATE_AS_TEXT};

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
    let mut envelope = cloudevents::read(record, memory)?;
    let envelope_labels = std::mem::take(&mut envelope.labels);
    let mut event = if confluent::recognizes(&envelope) {
        confluent::normalize(envelope, record.timestamp_ms, catalogs)?
    } else {
        cloudevents::generic(envelope, record.timestamp_ms)?
    };
    let repeated = (!event.unmapped.repeated.is_empty()).then_some(REPEATED_NAMES);
    let labels = envelope_labels.into_iter().chain(repeated);
    event.metadata.labels.extend(labels.map(Text::from));
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
