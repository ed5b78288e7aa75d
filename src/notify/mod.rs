//! Alerts to people: what each sink is told, when, and in which words. `queue` decides, `message`
//! words it, one file for each kind of sink in `sinks` makes the requests, `transport` sends them.
//! Invariant: everything but `transport` is a function of values; time is passed in.

mod example;
mod message;
pub mod note;
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
pub mod standing;
mod template;
mod transport;
mod trial;

pub use message::Message;
pub use request::{Answer, Request, Secret};
pub use route::{AlertPath, NotTold, Route};
pub(crate) use section::{keys, read};
pub use sink::Sink;
pub use sinks::Endpoint;
pub use template::{Template, TemplateError, TemplateFault};
pub use transport::{Client, ClientError, Encryption};
