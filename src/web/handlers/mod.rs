//! One file for each page.

mod alerts;
mod download;
mod events;
mod live;
mod plain;
mod profile;
mod record;
mod sources;
mod values;

pub(super) use alerts::alerts;
pub(super) use download::download;
pub(super) use events::events;
pub(super) use live::live;
pub(super) use plain::{asset, home, language, not_found};
pub(super) use profile::{actor, resource};
pub(super) use record::record;
pub(super) use sources::sources;
pub(super) use values::values;
