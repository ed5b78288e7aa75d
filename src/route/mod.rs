//! Routes: to which topics an event is written, in which shape and with which key. The first route that matches
//! decides, unless it continues; then comes the noise policy, then the events topic.
//! Invariant: alerts do not depend on routes, and what a route drops is counted.

mod model;
mod noise;
mod read;
mod routes;
mod shape;
mod unreachable;

#[cfg(test)]
mod tests;

pub use model::{RecordKey, Route, RouteAction, RouteOutput};
pub use noise::{Noise, NoisePolicy};
pub use read::{MAX_ROUTES, check, is_topic_name, read};
pub use routes::{Routed, Routes};
pub use shape::{EventShape, FieldName};
