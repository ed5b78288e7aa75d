//! Why a text is refused.

/// Why a text is not a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nothing but white space.
    #[error("the value is empty")]
    Empty,
    /// Not UTF-8 from this byte on.
    #[error("not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Byte offset in the text.
        offset: usize,
    },
    /// Not JSON.
    #[error("not JSON: {expected} expected at byte {offset}")]
    Syntax {
        /// Byte offset in the text.
        offset: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// Nested deeper than the limit.
    #[error("nested deeper than {levels} levels at byte {offset}")]
    TooDeep {
        /// The limit.
        levels: usize,
        /// Byte offset in the text.
        offset: usize,
    },
    /// JSON, but with half a surrogate pair or a number such as `1e999`, which many parsers refuse:
    /// see [`Portable`].
    #[error("half a surrogate pair, or a number that no double holds")]
    NotPortable,
    /// Longer than 4 GiB.
    #[error("longer than 4 GiB")]
    TooLong,
}

impl JsonError {
    /// The outcome as a metric label and dead-letter header.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Syntax { .. } => "not_json",
            Self::TooDeep { .. } => "too_deep",
            Self::NotPortable => "not_portable",
            Self::TooLong => "too_long",
        }
    }
}

/// The error type of the parser. Boxed, because a small `Result` is faster and errors are rare.
pub(super) type Fault = Box<JsonError>;
