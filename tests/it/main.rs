//! Integration tests that need neither a JVM nor a network: cargo test --test it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// The built binary as a user runs it.
mod command;
mod demo;
/// What the documents show.
mod docs;
/// The architecture invariants, read from the sources.
mod house;
/// Validation against the OCSF JSON Schema, for every test that emits a value.
mod ocsf;
mod pipeline;
mod replay;
