//! Policies: which fields are hidden in which outputs, and how.

use std::sync::Arc;

use super::key::PseudonymKey;
use super::places::converted;
use crate::diagnostic::Mark;
use crate::route::FieldName;

/// How the value of a field is hidden. The later ones hide more, and win where several name the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Replaced by a pseudonym: the same value has the same one.
    Pseudonym,
    /// Replaced by `***`.
    Mask,
    /// Left out. Where else the value occurs, it is replaced by `***`.
    Drop,
}

impl Treatment {
    /// Each, by its word in the configuration.
    pub const ALL: [(&'static str, Treatment); 3] = [
        ("drop", Treatment::Drop),
        ("mask", Treatment::Mask),
        ("pseudonym", Treatment::Pseudonym),
    ];
}

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPolicy {
    /// The field, and all that is below it.
    pub field: FieldName,
    /// How its values are hidden.
    pub treatment: Treatment,
}

/// The fields that some outputs do not show.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name in messages.
    pub name: String,
    /// Where it stands in the file.
    pub mark: Mark,
    /// What it hides.
    pub fields: Vec<FieldPolicy>,
    /// The topics whose records it is for.
    pub topics: Vec<String>,
    /// The sinks whose messages it is for, by their names.
    pub sinks: Vec<String>,
    /// The topics whose rows in the archive it is for.
    pub archive: Vec<String>,
    /// The key of its pseudonyms; without one, they are masked.
    pub key: Option<PseudonymKey>,
}

impl Policy {
    /// What stands in place of a value.
    pub(super) fn replacement(&self, value: &str, treatment: Treatment) -> String {
        match (&self.key, treatment) {
            (Some(key), Treatment::Pseudonym) => key.pseudonym(value),
            _ => MASK.to_owned(),
        }
    }

    /// A field whose values cannot be found in a record as its source wrote it, if it has one, and the attribute that
    /// is written otherwise there.
    pub fn field_lost_in_source_records(&self) -> Option<(String, &'static str)> {
        let mut names = self.fields.iter().map(|field| field.field.name());
        names.find_map(|name| converted(&name).map(|attribute| (name, attribute)))
    }

    /// Whether something is written without what it hides, and not only shown.
    pub fn is_of_outputs(&self) -> bool {
        !(self.topics.is_empty() && self.sinks.is_empty() && self.archive.is_empty())
    }

    /// Whether it has pseudonyms.
    pub fn needs_key(&self) -> bool {
        let is_pseudonym = |field: &FieldPolicy| field.treatment == Treatment::Pseudonym;
        self.fields.iter().any(is_pseudonym)
    }
}

/// What stands in place of a masked value.
pub(super) const MASK: &str = "***";

/// All policies. An output has one at most.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    all: Vec<Arc<Policy>>,
    seals_dead_letters: bool,
}

impl Policies {
    /// These policies. Where there is one for outputs, dead letters are sealed: what cannot be parsed cannot be masked.
    /// `seals_dead_letters` seals them without a policy, too.
    pub fn new(all: Vec<Policy>, seals_dead_letters: bool) -> Policies {
        Policies {
            seals_dead_letters: seals_dead_letters || all.iter().any(Policy::is_of_outputs),
            all: all.into_iter().map(Arc::new).collect(),
        }
    }

    /// Whether dead letters are written without the original's key, value and headers.
    pub fn seals_dead_letters(&self) -> bool {
        self.seals_dead_letters
    }

    /// Every policy.
    pub fn all(&self) -> &[Arc<Policy>] {
        &self.all
    }

    /// The number of the policy of a topic among all.
    pub fn of_topic(&self, topic: &str) -> Option<usize> {
        let is_of = |policy: &Arc<Policy>| policy.topics.iter().any(|of| of == topic);
        self.all.iter().position(is_of)
    }

    /// The policy of the rows of a topic in the archive.
    pub fn of_archive(&self, topic: &str) -> Option<&Arc<Policy>> {
        let is_of = |policy: &&Arc<Policy>| policy.archive.iter().any(|of| of == topic);
        self.all.iter().find(is_of)
    }

    /// The policy of a sink.
    pub fn of_sink(&self, sink: &str) -> Option<&Arc<Policy>> {
        let is_of = |policy: &&Arc<Policy>| policy.sinks.iter().any(|of| of == sink);
        self.all.iter().find(is_of)
    }
}
