//! Alerts to people: which notifications each sink gets, when, and in which words. `queue` decides what
//! to send, `message` words it, one file for each kind of sink in `sinks` builds the requests, and
//! `transport` sends them.
//! Invariant: everything but `transport` is a function of values; time is passed in.

pub mod commit_metadata;
mod example;
pub mod firing;
mod message;
mod notification;
pub mod offsets;
pub mod pace;
mod pending;
mod probe;
pub mod queue;
mod request;
mod route;
mod section;
mod sink;
pub mod sinks;
mod template;
mod transport;
mod trial;

pub use message::Message;
pub use request::{Request, Secret, SinkAnswer};
pub use route::{AlertPath, Route, SkipReason};
pub(crate) use section::{keys, read};
pub use sink::Sink;
pub use sinks::Endpoint;
pub use template::{Template, TemplateError, TemplateFault};
pub use transport::{Client, ClientError, Encryption};
