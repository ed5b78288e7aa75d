//! The data that passes through the stages: records as read, normalized events, records to be written.

mod activity;
mod attribute;
mod audit_event;
mod class;
mod client;
mod elements;
mod file_topic;
mod latest;
pub mod limits;
mod output_buffer;
mod path;
mod place;
mod record;
mod request;
pub mod secret;
mod vocabulary;
mod walk;

pub use activity::Activity;
pub use audit_event::{
    Api, AuditEvent, Authorization, CONTAINER, Cloud, Endpoint, Enrichment, EnrichmentKind,
    Metadata, Resource, Session, Status, Unmapped, User, UserKind,
};
#[cfg(test)]
pub(crate) use class::CLASSES;
pub use class::{API_ACTIVITY, APPLICATION_LIFECYCLE, AUTHENTICATION, EventClass};
pub use client::Client;
pub use file_topic::{FILE_TOPIC, file_of_topic, file_topic};
pub use latest::Latest;
pub use output_buffer::{
    MAX_EVENTS_IN_RECORD, Output, OutputBuffer, PARTS_OF_EVENT, PARTS_OF_RECORD, event_and_output,
};
pub use path::{Path, REQUEST_DATA};
pub use place::Place;
pub use record::{
    Digest, Header, NextOffset, Offset, OutputRecord, Partition, Position, RawRecord,
};
pub(crate) use request::{
    DEPTH as FACT_DEPTH, FactMember, GiveFact, Request, is_fact as is_request_fact,
    values as values_of_fact,
};
pub use vocabulary::{AttributeFacts, attributes};
pub(crate) use walk::{Found, Walk, strings_without};
