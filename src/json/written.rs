//! JSON that is written once and appended again and again.

use serde::Serialize;

/// A JSON value, written from a value that can be serialized; so nothing in it needs a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(Box<str>);

impl Written {
    /// The value as JSON without white space; `null` if it cannot be written.
    pub fn of(value: &impl Serialize) -> Written {
        let json = serde_json::to_string(value);
        Written(json.unwrap_or_else(|_| "null".to_owned()).into())
    }

    /// What is appended.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
