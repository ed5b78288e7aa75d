//! From values to the bytes of Kafka records: OCSF JSON, CloudEvents headers, dead letters.

mod cloudevents;
mod dead_letter;
mod dropped;
mod fields;
mod ocsf;
mod receipt;
mod unmapped;

pub use cloudevents::headers;
pub use dead_letter::{DeadLetter, SEALED_DETAIL, dead_letter, source_headers};
pub use dropped::{DroppedCount, DroppedTotals, dropped};
pub use fields::fields;
pub use ocsf::{Detail, event, event_in};
pub(crate) use ocsf::{OCSF_VERSION, actor, cloud, endpoint, resource};
pub use receipt::{Receipt, receipt};
