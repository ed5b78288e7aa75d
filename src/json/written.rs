//! JSON that is serialized once and appended many times.

use std::borrow::Cow;

use serde::Serialize;

use super::tokens::JsonText;

/// A JSON value that was written by a serializer, so it can be appended unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(Box<str>);

impl Written {
    /// The value as JSON without white space; `null` if it cannot be serialized.
    pub fn of(value: &impl Serialize) -> Written {
        let json = serde_json::to_string(value);
        Written(json.unwrap_or_else(|_| "null".to_owned()).into())
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The member of that name of an object.
    pub fn member(&self, name: &str) -> Option<JsonText<'_>> {
        JsonText::of_written(&self.0).at(&[name])
    }

    /// The member of that name of an object, if it is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.member(name)?.text()
    }
}
