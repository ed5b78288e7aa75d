//! From a record to an event in OCSF terms. Parses tolerantly: what is not understood stays in
//! the document; only what cannot be read at all, or can be read two ways, is an error.
//! Invariant: a leaf is moved only where its value stands verbatim in an attribute.

mod cloudevents;
mod confluent;
mod crn;
mod time;
mod walk;

use crate::catalog::Catalogs;
use crate::event::{AuditEvent, RawRecord};
use crate::json::{JsonError, Memory, Portable, Text};

/// Label of an event whose statements about one check contradict each other.
pub const CONTRADICTORY: &str = "status:contradictory";

/// Labels of what was inferred from the parts of a word that is not documented.
pub const INFERRED: [&str; 4] = [
    "status:inferred",
    "access:inferred",
    "principal:inferred",
    "policy:inferred",
];

/// Of what a word that is not documented was judged by its parts: `status`, `access`, `principal`,
/// `policy`.
pub fn inferred(event: &AuditEvent<'_>) -> Vec<&'static str> {
    let labels = &event.metadata.labels;
    let is_there = |label: &&str| labels.iter().any(|found| **found == **label);
    let found = INFERRED.into_iter().filter(is_there);
    found
        .filter_map(|label| label.strip_suffix(":inferred"))
        .collect()
}

/// Why a record is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormalizeError {
    /// The record's value is Kafka's null.
    #[error("the record has no value")]
    Tombstone,
    /// The value is no JSON document.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A CloudEvents attribute in a header is not UTF-8.
    #[error("the header {name} is not UTF-8")]
    HeaderNotUtf8 {
        /// Name of the header.
        name: String,
    },
    /// The outermost value is of another type.
    #[error("the value is not an object")]
    NotAnObject,
    /// A name occurs twice in the envelope, or in two spellings: two readings of one event.
    #[error("{}", repeated(first, second))]
    DuplicateKey {
        /// The name.
        first: String,
        /// The same, or another spelling of it.
        second: String,
    },
    /// Neither a CloudEvent nor an audit event.
    #[error("no CloudEvents attributes and no data.methodName")]
    Unrecognized,
    /// Something that must be understood is of another type.
    #[error("{path} is not {expected}")]
    WrongType {
        /// Where.
        path: &'static str,
        /// What would have been right there.
        expected: &'static str,
    },
}

impl NormalizeError {
    /// The outcome as a metric label and dead-letter header.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Tombstone => "tombstone",
            Self::Json(error) => error.reason(),
            Self::HeaderNotUtf8 { .. } => "not_utf8",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::Unrecognized => "unrecognized",
            Self::WrongType { .. } => "wrong_type",
        }
    }
}

fn repeated(first: &str, second: &str) -> String {
    match first == second {
        true => format!("the name {first:?} occurs twice in one object"),
        false => format!("the names {first:?} and {second:?} of one object are spellings of one"),
    }
}

/// Label of an event in which callers sent a name twice, or in two spellings: rules match if any
/// reading does.
const REPEATED_NAMES: &str = "json:repeated_names";

/// Label of an event in which half a surrogate pair was made a text of its six characters.
const SURROGATE_AS_TEXT: &str = "json:surrogate_as_text";

/// Label of an event in which a number that no double holds was made a text of its digits.
const NUMBER_AS_TEXT: &str = "json:number_as_text";

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
