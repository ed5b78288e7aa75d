//! What passes through the house: records as read, events as normalized, records to be written.

pub mod json;
mod record;

pub use record::{Header, NextOffset, Offset, OutputRecord, Partition, Position, RawRecord};
