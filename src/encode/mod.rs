//! From values to the bytes of Kafka records: OCSF JSON, CloudEvents headers, dead letters.

mod cloudevents;
mod dead_letter;
mod ocsf;
mod unmapped;

pub use cloudevents::headers;
pub use dead_letter::{DeadLetter, dead_letter};
pub use ocsf::event;
pub(crate) use ocsf::{OCSF_VERSION, actor, cloud, endpoint, resource};
