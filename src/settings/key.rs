//! One key of the configuration: what it takes, what it is when nobody says, what it is for.

use crate::diagnostic::Problem;
use crate::yaml::Node;

/// What each variable's name begins with; sections are joined by the same two underscores.
pub const PREFIX: &str = "WATCHBELL__";

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Preset,
    /// The words that a [`Shape::Scalar`] takes.
    pub(crate) takes: Takes,
    /// What it is for, in one sentence.
    pub(crate) about: &'static str,
}

impl Key {
    pub(crate) const fn takes(self, takes: Takes) -> Key {
        Key { takes, ..self }
    }

    pub(crate) const fn about(self, about: &'static str) -> Key {
        Key { about, ..self }
    }
}

/// What a word, number or truth value may be.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    Text,
    /// A whole number.
    Count,
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// `100ms`, `25s`, `1h`.
    Duration,
    /// `earliest`, `latest` or a time.
    Start,
    /// `address:port`.
    Address,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A section with these keys.
    Section(&'static [Key]),
    /// Sections with names of the user's own, each with these keys.
    Named(fn() -> &'static [Key]),
    /// librdkafka's properties.
    Properties,
    /// Rule id or tag to level.
    Levels,
    /// A Sigma detection, checked by this function where it is written; not in the environment.
    Detection(fn(&Node) -> Vec<Problem>),
    /// A list of words; one word in the environment is split at commas.
    List,
    /// One word, number or truth value.
    Scalar,
    /// A word that stands in the environment or in the file named by `<key>_file`, nowhere else.
    Secret,
}

/// What a key is when nobody says.
#[derive(Debug, Clone, Copy)]
pub enum Preset {
    Nothing,
    Text(&'static str),
    Count(u64),
    Flag(bool),
    List(&'static [&'static str]),
}

pub(crate) const fn key(name: &'static str, shape: Shape, default: Preset) -> Key {
    Key {
        name,
        shape,
        default,
        takes: Takes::Text,
        about: "",
    }
}

pub(crate) const fn text(name: &'static str, default: &'static str) -> Key {
    key(name, Shape::Scalar, Preset::Text(default))
}

pub(crate) const fn count(name: &'static str, default: u64) -> Key {
    key(name, Shape::Scalar, Preset::Count(default)).takes(Takes::Count)
}

pub(crate) const fn duration(name: &'static str, default: &'static str) -> Key {
    text(name, default).takes(Takes::Duration)
}

pub(crate) const fn choice(name: &'static str, choices: &'static [&'static str]) -> Key {
    key(name, Shape::Scalar, Preset::Text(choices[0])).takes(Takes::Choice(choices))
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Key {
    key(name, shape, Preset::Nothing)
}
