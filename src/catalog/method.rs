//! What is known of one method.

use crate::event::Activity;
use crate::json::Phrase;

/// Whether a method changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// It only looks.
    Read,
    /// It changes something.
    Write,
}

impl Access {
    /// For `metadata.labels`.
    pub const fn label(self) -> &'static str {
        match self {
            Access::Read => "access:read",
            Access::Write => "access:write",
        }
    }
}

/// How much it matters that somebody called a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// Routine.
    Low,
    /// Worth knowing.
    Medium,
    /// Destroys something, opens access, or touches a credential.
    High,
}

impl Sensitivity {
    /// For `metadata.labels`.
    pub const fn label(self) -> &'static str {
        match self {
            Sensitivity::Low => "sensitivity:low",
            Sensitivity::Medium => "sensitivity:medium",
            Sensitivity::High => "sensitivity:high",
        }
    }
}

/// One audited method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Its name as the vendor writes it.
    pub name: String,
    /// Other names of the same method.
    pub aliases: Vec<String>,
    /// The service that a rule's `logsource` names.
    pub service: Phrase,
    /// The part of the service.
    pub module: Phrase,
    /// What it does.
    pub activity: Activity,
    /// Whether it changes anything.
    pub access: Access,
    /// How much it matters.
    pub sensitivity: Sensitivity,
    /// Whether it gives somebody rights, or takes them away.
    pub grants: bool,
    /// The kind of thing it acts on; none where that differs from call to call.
    pub resource_type: Option<String>,
    /// One sentence for a human reader.
    pub description: Phrase,
    /// The vendor's own description in Chinese, where it has one.
    pub description_zh: Option<Phrase>,
    /// For `message` of an event: the descriptions that there are.
    pub message: Phrase,
}

impl Method {
    /// For `metadata.labels`: whether it changes anything, and how much it matters.
    pub fn labels(&self) -> [&'static str; 2] {
        [self.access.label(), self.sensitivity.label()]
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.aliases)
            .map(String::as_str)
    }
}
