//! The kinds of sinks, one file each. A kind is declared in its file and listed in [`KINDS`]; nothing
//! else in the program names it.

pub mod alertmanager;
pub mod email;
mod kind;
pub mod pagerduty;
mod shared;
pub mod slack;
pub mod teams;
#[cfg(test)]
mod tests;
pub mod webhook;

use crate::settings::Key;

pub use kind::{Endpoint, SinkKind};

/// Every kind, by name.
pub static KINDS: &[&SinkKind] = &[
    &alertmanager::KIND,
    &email::KIND,
    &pagerduty::KIND,
    &slack::KIND,
    &teams::KIND,
    &webhook::KIND,
];

/// The keys of all kinds, each once: addresses first, then credentials and the rest; the keys of a kind
/// stay in its own order.
pub(super) fn keys() -> Vec<Key> {
    let mut keys = shared::ADDRESSES.to_vec();
    for key in KINDS.iter().flat_map(|kind| kind.keys) {
        if !keys.iter().any(|known| known.name == key.name) {
            keys.push(*key);
        }
    }
    keys
}
