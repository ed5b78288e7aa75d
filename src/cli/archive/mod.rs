//! The commands that ask the archive.

mod conditions;
mod download;
mod output;
pub(super) mod search;
mod session;
pub(super) mod show;
pub(super) mod sql;
mod table;
