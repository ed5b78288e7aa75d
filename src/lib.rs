//! watchbell reads audit-log topics, normalizes every event to OCSF, enriches it, detects with
//! Sigma rules, routes the result back to Kafka exactly once, and alerts on-call.
//! The modules stand in the order in which a record passes them.

mod diagnostic;
pub mod json;
pub mod printable;
pub mod yaml;

pub(crate) mod settings;

pub mod kafka;

pub mod event;

pub mod catalog;
mod files;

pub mod enrich;
pub mod normalize;

pub mod sigma;

pub mod rules;

pub mod alert;

pub mod encode;

pub mod config;

pub mod pipeline;

pub mod notify;

pub mod view;

pub mod observe;

pub mod roles;

pub mod cli;
