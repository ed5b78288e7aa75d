//! Panics are reported by their place alone: their text may quote a record.

use std::panic::{self, Location};

/// From now on `report` hears where something panicked, such as `src/json/parse.rs:12:5`, and
/// nothing else is written.
pub fn report(report: impl Fn(&str) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(Location::to_string);
        report(place.as_deref().unwrap_or("a place unknown"));
    }));
}
