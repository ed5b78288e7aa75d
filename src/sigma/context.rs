//! What the parser of detections knows beside the text, and what it finds.

use super::placeholders::Placeholders;
use crate::diagnostic::{Mark, Problem};

/// The context in which the lines of a document are parsed.
pub(super) struct Context<'c> {
    /// The values of placeholders.
    pub(super) placeholders: &'c Placeholders,
    /// The placeholders that were resolved.
    pub(super) used: Vec<String>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

impl<'c> Context<'c> {
    pub(super) fn new(placeholders: &'c Placeholders) -> Context<'c> {
        Context {
            placeholders,
            used: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The texts for which a text with placeholders stands, each as its parts.
    pub(super) fn expand(&mut self, text: &str, mark: Mark) -> Result<Vec<Vec<String>>, Problem> {
        self.placeholders.expand(text, mark, &mut self.used)
    }

    /// What a document means beside its text, to be hashed with it: the values of the placeholders in it.
    pub(super) fn canonical(mut self) -> String {
        self.used.sort_unstable();
        self.used.dedup();
        let values = self
            .used
            .iter()
            .map(|name| self.placeholders.canonical(name));
        values.map(|value| format!("\n{value}")).collect()
    }
}
