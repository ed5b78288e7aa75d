//! Labels in `metadata.labels` that say how an event was read.

use crate::event::AuditEvent;

/// Label of an event whose statements about one check contradict each other.
pub const CONTRADICTORY: &str = "status:contradictory";

/// Labels of what was inferred from the parts of a word that is not documented.
pub const INFERRED: [&str; 4] = [
    "status:inferred",
    "access:inferred",
    "principal:inferred",
    "policy:inferred",
];

/// How these labels end.
const SUFFIX: &str = ":inferred";

/// Of what a word that is not documented was judged by its parts: `status`, `access`, `principal`,
/// `policy`.
pub fn inferred(event: &AuditEvent<'_>) -> Vec<&'static str> {
    let labels = &event.metadata.labels;
    if !labels.iter().any(|label| label.ends_with(SUFFIX)) {
        // As nearly always.
        return Vec::new();
    }
    let is_there = |label: &&str| labels.iter().any(|found| **found == **label);
    let found = INFERRED.into_iter().filter(is_there);
    found
        .filter_map(|label| label.strip_suffix(SUFFIX))
        .collect()
}

/// Label of an event in which callers sent a name twice, or in two spellings: rules match if any
/// reading does.
pub(super) const REPEATED_NAMES: &str = "json:repeated_names";

/// Label of an event in which half a surrogate pair was made a text of its six characters.
pub(super) const SURROGATE_AS_TEXT: &str = "json:surrogate_as_text";

/// Label of an event in which a number that no double holds was made a text of its digits.
pub(super) const NUMBER_AS_TEXT: &str = "json:number_as_text";
