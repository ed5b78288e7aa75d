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
    /// Which alerts it is told of.
    pub route: Arc<Route>,
    /// How repeats are gathered.
    pub pacing: Pacing,
    /// How often it may be asked.
    pub rate: Rate,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Certificates, in PEM, of authorities trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// Words of one's own.
    pub template: Option<Arc<Template>>,
}
