//! One key of the configuration: its shape, its default value, and what it is for.

use crate::diagnostic::Problem;
use crate::yaml::Node;

/// Prefix of the environment variables. Names of nested sections are joined by two underscores, too.
pub const PREFIX: &str = "WATCHBELL__";

/// The origin of default values.
pub(crate) const DEFAULT: &str = "default";

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: DefaultValue,
    /// The values that a [`Shape::Scalar`] accepts.
    pub(crate) scalar_type: ScalarType,
    /// What it is for, in one sentence.
    pub(crate) about: &'static str,
}

impl Key {
    pub(crate) const fn scalar_type(self, scalar_type: ScalarType) -> Key {
        Key {
            scalar_type,
            ..self
        }
    }

    pub(crate) const fn about(self, about: &'static str) -> Key {
        Key { about, ..self }
    }
}

/// The values that a scalar key accepts.
#[derive(Debug, Clone, Copy)]
pub enum ScalarType {
    Text,
    /// A whole number.
    Count,
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `100ms`, `25s`, `1h`.
    Duration,
    /// `earliest`, `latest` or a time.
    Start,
    /// `address:port`.
    Address,
}

/// What stands under a key.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A section with these keys.
    Section(&'static [Key]),
    /// Sections whose names the user chooses, each with these keys.
    Named(fn() -> &'static [Key]),
    /// librdkafka's properties.
    Properties,
    /// Rule id, tag or pack to a value for these rules.
    ByRule(RuleValue),
    /// A structure of its own. It cannot be set by an environment variable.
    Structure(&'static Structure),
    /// A list of words. The value of an environment variable is split at commas.
    List,
    /// One word, number or boolean.
    Scalar,
    /// A secret: set by an environment variable or by the file that `<key>_file` names, never in the
    /// configuration file.
    Secret,
}

/// A part of the configuration that is more than keys and values, such as a Sigma detection.
#[derive(Debug)]
pub struct Structure {
    /// What is wrong in it, each problem with its line and column.
    pub check: fn(&Node) -> Vec<Problem>,
    /// Its JSON Schema.
    pub schema: fn() -> serde_json::Value,
}

/// A value that the configuration gives rules in place of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleValue {
    Level,
    Status,
    Text,
    /// A list of fields.
    Fields,
}

/// The value of a key that is not set.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    None,
    Text(&'static str),
    Count(u64),
    Flag(bool),
    List(&'static [&'static str]),
}

pub(crate) const fn key(name: &'static str, shape: Shape, default: DefaultValue) -> Key {
    Key {
        name,
        shape,
        default,
        scalar_type: ScalarType::Text,
        about: "",
    }
}

pub(crate) const fn text(name: &'static str, default: &'static str) -> Key {
    key(name, Shape::Scalar, DefaultValue::Text(default))
}

pub(crate) const fn count(name: &'static str, default: u64) -> Key {
    key(name, Shape::Scalar, DefaultValue::Count(default)).scalar_type(ScalarType::Count)
}

pub(crate) const fn duration(name: &'static str, default: &'static str) -> Key {
    text(name, default).scalar_type(ScalarType::Duration)
}

pub(crate) const fn choice(name: &'static str, choices: &'static [&'static str]) -> Key {
    key(name, Shape::Scalar, DefaultValue::Text(choices[0]))
        .scalar_type(ScalarType::Choice(choices))
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Key {
    key(name, shape, DefaultValue::None)
}
