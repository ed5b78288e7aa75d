//! What the parser of detections knows beside the text, and what it finds.

use jiff::tz::TimeZone;

use super::placeholders::{MAX_DOCUMENT_EXPANSIONS, Placeholders};
use crate::diagnostic::{Mark, Problem};

/// The context in which the lines of a document are parsed.
pub(super) struct Context<'c> {
    /// The values of placeholders.
    pub(super) placeholders: &'c Placeholders,
    /// The time zone in which the parts of times are compared.
    zone: TimeZone,
    /// Whether some line compares a part of a time.
    pub(super) uses_zone: bool,
    /// The placeholders that were resolved.
    pub(super) used: Vec<String>,
    /// For how many texts the values with placeholders stand.
    expansions: usize,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

impl<'c> Context<'c> {
    pub(super) fn new(placeholders: &'c Placeholders, zone: TimeZone) -> Context<'c> {
        Context {
            placeholders,
            zone,
            uses_zone: false,
            used: Vec::new(),
            expansions: 0,
            problems: Vec::new(),
        }
    }

    /// The texts for which a text with placeholders stands, each as its parts.
    pub(super) fn expand(&mut self, text: &str, mark: Mark) -> Result<Vec<Vec<String>>, Problem> {
        if self.expansions > MAX_DOCUMENT_EXPANSIONS {
            // This was reported, and the document is refused.
            return Ok(Vec::new());
        }
        let expanded = self.placeholders.expand(text, mark, &mut self.used)?;
        self.expansions += expanded.len();
        if self.expansions > MAX_DOCUMENT_EXPANSIONS {
            let message = format!(
                "up to here, the values with placeholders stand for more than {MAX_DOCUMENT_EXPANSIONS} texts"
            );
            let problem = Problem::error(mark, message);
            return Err(problem.remedy("write fewer placeholders, or several rules"));
        }
        Ok(expanded)
    }

    /// The time zone, for a line that compares a part of a time.
    pub(super) fn zone(&mut self) -> TimeZone {
        self.uses_zone = true;
        self.zone.clone()
    }

    /// What the lines mean beside their text, to be hashed with it: the time zone, if they use it, and the values of
    /// the placeholders in them.
    pub(super) fn canonical(mut self) -> String {
        self.used.sort_unstable();
        self.used.dedup();
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let zone = self.uses_zone.then(|| format!("timezone={zone}"));
        let values = self
            .used
            .iter()
            .map(|name| self.placeholders.canonical(name));
        let values = zone.into_iter().chain(values);
        values.map(|value| format!("\n{value}")).collect()
    }
}
