//! Why a record is no event, and what its dead letter is called.

use crate::event::MAX_EVENTS_IN_RECORD;
use crate::json::JsonError;

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
    /// Neither a CloudEvent nor an audit event of a known vendor.
    #[error("neither a CloudEvent nor an event of a known audit log")]
    Unrecognized,
    /// A list within a list, or a value that holds an event within another one.
    #[error("events within events: a list within a list, or an envelope within an envelope")]
    Nested,
    /// A list of events that is empty.
    #[error("the list of events is empty")]
    NoEvents,
    /// A list of more events than are read from one record.
    #[error("a list of {count} events; at most {MAX_EVENTS_IN_RECORD} are read from one record")]
    TooManyEvents {
        /// How many there are.
        count: usize,
    },
    /// A list of events with so much data around it that the copies of it, one for each event, would be too large.
    #[error(
        "a list of {count} events, each of which would get a copy of the {bytes} bytes around the list (with the \
         record's key and headers); all copies may have {most} bytes together"
    )]
    TooMuchAroundEvents {
        /// Number of bytes of the data around the list, and of the record's key and headers.
        bytes: usize,
        /// How many events there are.
        count: usize,
        /// How many bytes all copies may have.
        most: usize,
    },
    /// The answer to a failed request for events, saved in place of events.
    #[error("an error response and no events: {code}: {message}")]
    ErrorResponse {
        /// The error's code.
        code: String,
        /// What it says.
        message: String,
    },
    /// Something that must be understood is of another type.
    #[error("{path} is not {expected}")]
    WrongType {
        /// The path of the member.
        path: &'static str,
        /// What was expected there.
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
            Self::Nested => "nested",
            Self::NoEvents => "no_events",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::TooMuchAroundEvents { .. } => "too_much_around_events",
            Self::ErrorResponse { .. } => "error_response",
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
