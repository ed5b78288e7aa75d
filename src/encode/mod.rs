//! From values to the bytes of Kafka records: OCSF JSON, CloudEvents headers, dead letters.

mod attack;
mod cloudevents;
mod dead_letter;
mod finding;
mod minimal;
mod ocsf;
mod shorten;
mod unmapped;

pub use cloudevents::headers;
pub use dead_letter::{DeadLetter, dead_letter};
pub use finding::{finding, source_finding};
pub use minimal::minimal;
pub use ocsf::event;
pub use shorten::shortened;
