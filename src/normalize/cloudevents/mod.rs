//! Reads CloudEvents in structured mode (everything in the value) and in binary mode (attributes in `ce_` headers).
//! The specification is not enforced, because Confluent Platform violates it with the names of its extensions and
//! with `specversion` 0.3. Attributes without an OCSF attribute stay in the document or in `Unmapped::attributes`.

mod envelope;
mod generic;
mod incoming;

pub(super) use envelope::{Envelope, unmapped_envelope};
pub(super) use generic::generic;
pub(super) use incoming::Incoming;
