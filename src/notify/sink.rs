//! A sink as configured.

use std::sync::Arc;
use std::time::Duration;

use super::pace::Rate;
use super::queue::Pacing;
use super::route::Route;
use super::sinks::Endpoint;
use super::template::Template;

/// A sink as configured.
#[derive(Debug, Clone)]
pub struct Sink {
    /// The user's name for it.
    pub name: String,
    /// Where its messages go.
    pub endpoint: Arc<dyn Endpoint>,
    /// Which alerts it gets.
    pub route: Arc<Route>,
    /// How alerts are gathered into notifications.
    pub pacing: Pacing,
    /// Its rate limit.
    pub rate: Rate,
    /// Timeout of a request.
    pub timeout: Duration,
    /// PEM of CA certificates that are trusted in addition to the system's.
    pub ca: Option<Vec<u8>>,
    /// The user's templates.
    pub template: Option<Arc<Template>>,
}
