//! CloudEvents, structured (all in the value) or binary (attributes in `ce_` headers).
//! Read tolerantly: Confluent Platform's extension names and its `specversion` 0.3 break the
//! specification. Attributes without an OCSF attribute stay in the document, or in `Unmapped::attributes`.

mod envelope;
mod generic;
mod incoming;

pub(super) use envelope::{Envelope, unread};
pub(super) use generic::generic;
pub(super) use incoming::Incoming;
