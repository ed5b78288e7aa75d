//! Everything that touches Kafka, and the only place where the client library's types appear.
//! `session` moves records from a source to a destination with their positions; `follow` is a
//! member of a group that reads one topic, `append` writes a few records, `atomic` all or
//! none of them; `topics` knows the topics watchbell
//! writes; `topic_reader` reads them back for a person; `access` finds out what one may do and `acl`
//! words what is missing; `broker_kind` says what answers at an address; `embedded` is librdkafka's in-process cluster
//! for the demo.

pub mod access;
pub mod acl;
pub mod append;
pub mod atomic;
mod broker_kind;
pub mod client;
pub mod embedded;
mod fault;
pub mod follow;
mod partition_list;
mod rebalance;
mod record;
pub mod session;
mod span;
mod stored;
pub mod topic_reader;
pub mod topics;
mod transaction_call;

pub use broker_kind::BrokerKind;
pub use client::{ClientError, Cluster, Credentials};
pub use span::{Span, newest_first};
pub use stored::Stored;
