//! From a record to an event in OCSF terms. Parses tolerantly: what is not understood stays in
//! the document; only what cannot be read at all, or can be read two ways, is an error.
//! Invariant: a leaf is moved only where its value stands verbatim in an attribute.

mod actiontrail;
mod cloudevents;
mod confluent;
mod container;
mod crn;
mod email;
mod error;
mod event_ids;
mod labels;
mod members;
mod normalizer;
mod read;
mod redpanda;
mod time;
mod walk;

pub use container::{Container, Within};
pub use error::NormalizeError;
pub use event_ids::event_ids;
pub use labels::{CONTRADICTORY, INFERRED, inferred};
pub use normalizer::Normalized;
#[cfg(test)]
pub(crate) use read::event_of;
pub use read::normalize;

#[cfg(test)]
mod tests;
