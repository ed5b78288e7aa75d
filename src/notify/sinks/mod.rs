//! The kinds of sinks, one file each. A kind is declared by its file and is known by standing in
//! [`KINDS`]; nothing else names it.

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

/// The keys of every kind, each once: addresses before what is shown to them, and those of a kind in
/// its own order.
pub(super) fn keys() -> Vec<Key> {
    let mut keys = shared::ADDRESSES.to_vec();
    for key in KINDS.iter().flat_map(|kind| kind.keys) {
        if !keys.iter().any(|known| known.name == key.name) {
            keys.push(*key);
        }
    }
    keys
}
