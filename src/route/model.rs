//! One route: what it is for and what it does. A route that writes has a topic, a shape and a key.

use std::sync::Arc;

use super::shape::EventShape;
use crate::diagnostic::Mark;
use crate::event::Path;
use crate::sigma::Detection;

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name in metrics and in `/status`.
    pub name: Arc<str>,
    /// The events that it is for; `None` for all.
    pub when: Option<Detection>,
    /// What it does with them.
    pub action: RouteAction,
    /// Where it stands.
    pub mark: Mark,
    /// Whether later routes are asked as well.
    pub continues: bool,
}

/// What a route does with an event.
#[derive(Debug, Clone)]
pub enum RouteAction {
    /// It is written nowhere.
    Drop,
    /// It is written.
    Write(RouteOutput),
}

/// How a route writes an event.
#[derive(Debug, Clone)]
pub struct RouteOutput {
    /// The topic of the destination cluster.
    pub topic: Arc<str>,
    /// What the value holds.
    pub shape: EventShape,
    /// What the key is.
    pub key: RecordKey,
}

/// The key of an event's record.
#[derive(Debug, Clone, Default)]
pub enum RecordKey {
    /// The id of the actor, else its name.
    #[default]
    Actor,
    /// That of the record as it was read.
    Source,
    /// Kafka's null key.
    None,
    /// The first value of a field; an event without it has Kafka's null key.
    Field(Path),
}
