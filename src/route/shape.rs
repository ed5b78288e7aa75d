//! The shape of an event's record: what its value holds.

use crate::diagnostic::{Mark, Problem, nearest};
use crate::event::Path;

/// What the value of an event's record holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EventShape {
    /// The whole event.
    #[default]
    Full,
    /// OCSF's attributes without `unmapped`, and without the parts that are kept as they came.
    Lean,
    /// The record as it was read from its source.
    Raw,
    /// These fields of the event.
    Fields(Vec<FieldName>),
}

/// The name of a field of an event as it is written, such as `actor.user.uid`; it stands for all that is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldName(Box<[Box<str>]>);

impl FieldName {
    /// Reads a name with dots.
    ///
    /// # Errors
    /// No event has a field of this name.
    pub fn parse(text: &str, mark: Mark) -> Result<FieldName, Problem> {
        let below = format!("{text}.");
        let is_parent = Path::attributes().any(|name| name.starts_with(&below));
        let is_written = || Path::parse(text).is_ok_and(|path| path.is_written());
        let is_known = WRITTEN.contains(&text) || is_parent || is_written();
        if !is_known || text.contains('|') {
            let problem = Problem::error(mark, format!("unknown field `{text}`"));
            let known = Path::attributes().chain(WRITTEN).chain(["unmapped"]);
            return Err(match nearest(text, known) {
                Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                None => problem.remedy("write names of OCSF attributes, such as `actor.user.uid`"),
            });
        }
        Ok(FieldName(text.split('.').map(Into::into).collect()))
    }

    /// The name, with dots.
    pub fn name(&self) -> String {
        self.0.join(".")
    }

    /// Its segments.
    pub fn segments(&self) -> &[Box<str>] {
        &self.0
    }
}

/// Attributes that are written and that rules cannot name.
const WRITTEN: [&str; 6] = [
    "severity",
    "severity_id",
    "metadata.version",
    "metadata.profiles",
    "enrichments",
    "service",
];
