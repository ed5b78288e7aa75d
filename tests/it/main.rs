//! Integration tests that need neither a JVM nor a network: cargo test --test it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// The page about the archive agrees with its columns.
#[cfg(feature = "archive")]
mod archive;
mod cli;
/// The built binary as a user runs it.
mod command;
mod demo;
/// The documents agree with the code.
mod docs;
/// What a rule answers for an event, from the command line.
mod explain;
/// A test alert from the command line.
mod fire;
/// The outputs for every documented event, field by field.
mod golden;
/// The architecture invariants, read from the sources.
mod house;
/// Depth limits of writers and readers.
mod limits;
/// Mail and its server.
mod mail;
/// The mapping's document, the paths of rules and the encoder agree.
mod mapping;
mod native_names;
/// The requests to sinks.
mod notices;
/// Validation against the OCSF JSON Schema, for every test that emits a value.
mod ocsf;
/// Sinks in a flood and without an answer, on a simulated clock.
mod outage;
/// The shipped rules and their own tests.
mod packs;
/// The generated page about the shipped rules.
mod packs_page;
/// Who may read the page.
#[cfg(feature = "archive")]
mod page_login;
mod pipeline;
/// What outputs do not show.
mod privacy;
/// Properties of every record.
mod properties;
/// How much a quiet organization's month alerts.
mod quiet_month;
/// Events with several readings, or that many parsers refuse.
mod readings;
mod replay;
/// The summary of a replay.
mod replay_summary;
/// What a rule answers does not depend on the shape of a request.
mod request_shapes;
/// The list of rules in force.
mod rule_list;
/// The command that runs the tests of rules.
mod rule_tests;
/// Generated records.
mod samples;
/// The commands that an operator runs before the daemon.
mod setup;
/// The answers of sinks.
mod sinks;
/// Suppressions, from the rule file to the alert.
mod suppressions;
/// What people decide of alerts.
#[cfg(feature = "archive")]
mod triage;
/// The vendors whose records are tested.
mod vendors;
/// Lines and pages for people.
mod view;
/// The most expensive records.
mod worst;

#[cfg(feature = "archive")]
#[path = "../ledgered/mod.rs"]
mod ledgered;
#[path = "../mmdb/mod.rs"]
mod mmdb;
#[path = "../stub/mod.rs"]
mod stub;
