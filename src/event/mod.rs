//! What passes through the house: records as read, events as normalized, records to be written.

pub mod catalog;
pub mod json;
mod record;

pub use catalog::{Access, Activity, Catalog, Method, Sensitivity};
pub use record::{Header, NextOffset, Offset, OutputRecord, Partition, Position, RawRecord};
