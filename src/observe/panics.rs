//! Reports a panic only by its place in the code, since its message may quote a record.

use std::panic::{self, Location};

/// Installs a panic hook that calls `report` with the place of the panic, such as
/// `src/json/parse.rs:12:5`, and writes nothing else.
pub fn report(report: impl Fn(&str) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(Location::to_string);
        report(place.as_deref().unwrap_or("an unknown place"));
    }));
}
