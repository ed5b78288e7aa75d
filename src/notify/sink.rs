//! A sink as configured.

use std::sync::Arc;
use std::time::Duration;

use super::pace::Rate;
use super::queue::Pacing;
use super::route::{Route, SkipReason};
use super::sinks::Endpoint;
use super::template::Template;
use crate::event::Position;
use crate::notice::{Notice, NoticeError};
use crate::privacy::{Hiding, Policy};

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
    /// What its messages do not show.
    pub policy: Option<Arc<Policy>>,
}

impl Sink {
    /// Reads the record of an alert: what the sink is told of it, and whether it is told. What decides is the whole
    /// alert, also that part of it that the sink's messages do not show.
    ///
    /// # Errors
    /// [`NoticeError`]: not an alert of ours.
    pub fn read(
        &self,
        value: &[u8],
        position: Position<'_>,
    ) -> Result<(Notice, Result<(), SkipReason>), NoticeError> {
        let notice = Notice::read(value, position)?;
        let decision = self.route.decide(&notice);
        let Some(policy) = &self.policy else {
            return Ok((notice, decision));
        };
        let mut shown = Vec::with_capacity(value.len());
        Hiding::of_alert(policy, value).alert(value, &mut shown);
        Ok((Notice::read(&shown, position)?, decision))
    }
}
