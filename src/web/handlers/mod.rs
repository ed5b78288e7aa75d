//! One file for each page.

mod access;
mod alerts;
mod changes;
mod download;
mod events;
mod incident;
mod live;
mod plain;
mod profile;
mod record;
mod retry;
mod rules;
mod sources;
mod try_rule;
mod values;
mod verify;

pub(super) use access::access;
pub(super) use alerts::{alerts, decide_on_several};
pub(super) use changes::changes;
pub(super) use download::download;
pub(super) use events::events;
pub(super) use incident::{decide_on_one, incident};
pub(super) use live::live;
pub(super) use plain::{asset, home, is_own_path, language, not_found};
pub(super) use profile::{actor, resource};
pub(super) use record::record;
pub(super) use retry::{retry, retry_again};
pub(super) use rules::{rule, rules};
pub(super) use sources::sources;
pub(super) use try_rule::{rule_to_try, try_rule};
pub(super) use values::values;
pub(super) use verify::verify;
