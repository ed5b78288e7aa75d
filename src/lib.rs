//! watchbell reads audit-log topics, normalizes every event to OCSF, enriches it, detects with
//! Sigma rules, routes the result back to Kafka exactly once, and alerts on-call.
//! Each module imports only those that stand before it (`tests/it/house.rs`); ARCHITECTURE.md says what each
//! holds.

pub mod printable;

mod diagnostic;

mod input_file;

pub mod yaml;

pub mod json;

pub mod sigma;

pub mod vendors;

pub mod event;

pub mod ledger;

pub mod catalog;

mod files;

pub mod kafka;

pub mod enrich;

pub mod normalize;

pub mod rules;

pub mod route;

pub mod privacy;

pub mod alert;

pub mod encode;

pub mod finding;

pub mod notice;

pub mod pipeline;

pub(crate) mod settings;

pub mod notify;

pub mod observe;

pub mod config;

pub mod view;

#[cfg(feature = "archive")]
pub mod archive;

pub mod query;

mod retry;

#[cfg(feature = "archive")]
pub mod triage;

#[cfg(feature = "archive")]
mod page;

#[cfg(feature = "archive")]
mod web;

pub mod roles;

pub mod cli;
