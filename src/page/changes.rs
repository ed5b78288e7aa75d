//! The line that says that incidents on the page have changed. The script shows it, or reads the page anew.

use std::hash::{DefaultHasher, Hash, Hasher};

use maud::{Markup, html};

use super::decision::reference;
use super::words::Words;
use crate::triage::Incident;

/// The path at which a page hears of changes.
pub const CHANGES: &str = "/changes";

/// The parameter that says which version of the incidents the page shows.
pub const SHOWN: &str = "shown";

/// A text that is another one once a decision or an alert is added to these incidents, or the list has other ones.
pub fn version<'i>(incidents: impl Iterator<Item = &'i Incident>) -> String {
    let mut hasher = DefaultHasher::new();
    incidents.for_each(|incident| reference(incident).hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// `query` is the question whose incidents the page shows, `url` that of the page.
pub(super) fn changes<'i>(
    incidents: impl Iterator<Item = &'i Incident>,
    (query, url): (&str, &str),
    words: &Words,
) -> Markup {
    let separator = if query.is_empty() { "" } else { "&" };
    let heard = format!("{CHANGES}?{query}{separator}{SHOWN}={}", version(incidents));
    html! {
        p.note #changes data-changes=(heard) role="status" hidden {
            (words.changes) " " a href=(url) { (words.show_changes) }
        }
    }
}
