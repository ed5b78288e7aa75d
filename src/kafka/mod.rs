//! Everything that touches Kafka, and the only place where the client library's types appear.
//! `session` moves records from a source to a destination with their positions; `topics` knows the
//! topics watchbell writes; `embedded` is librdkafka's in-process cluster for the demo.

pub mod client;
pub mod embedded;
pub mod session;
pub mod topics;

pub use client::{ClientError, Cluster, Credentials};
