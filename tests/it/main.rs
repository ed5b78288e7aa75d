//! Integration tests that need neither a JVM nor a network: cargo test --test it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
/// The built binary as a user runs it.
mod command;
mod demo;
/// What the documents show.
mod docs;
/// A test alert from the command line.
mod fire;
/// What becomes of every documented event, field by field.
mod golden;
/// The architecture invariants, read from the sources.
mod house;
/// What one module writes another reads, at the limit.
mod limits;
/// Mail and its server.
mod mail;
/// The document of the mapping, the paths of rules and the encoder, in step.
mod mapping;
/// What sinks are sent.
mod notices;
/// Validation against the OCSF JSON Schema, for every test that emits a value.
mod ocsf;
/// Sinks in a flood and without an answer, on a simulated clock.
mod outage;
mod pipeline;
/// What must hold of every record.
mod properties;
/// Events that can be read in several ways, or that many parsers refuse.
mod readings;
mod replay;
/// Generated records.
mod samples;
/// What an operator runs before the daemon.
mod setup;
/// What sinks answer.
mod sinks;
/// What a person reads.
mod view;
/// The worst records there are.
mod worst;

#[path = "../stub/mod.rs"]
mod stub;
