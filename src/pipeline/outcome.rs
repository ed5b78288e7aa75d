//! What became of a record, as the caller counts it.

use std::sync::Arc;

use crate::route::Noise;
use crate::sigma::Level;

/// An alert that was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaisedAlert {
    /// The id of its rule.
    pub rule: Arc<str>,
    /// Its level.
    pub level: Level,
    /// Whether a suppression keeps it from people.
    pub suppressed: bool,
}

impl RaisedAlert {
    /// An alert that people are to be notified of.
    pub fn new(rule: impl Into<Arc<str>>, level: Level) -> RaisedAlert {
        RaisedAlert {
            rule: rule.into(),
            level,
            suppressed: false,
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An event, with the alerts it raised.
    Event {
        /// The catalogue does not have its method.
        unknown_method: bool,
        /// What was inferred from the parts of an undocumented word, such as `status`.
        inferred: Vec<&'static str>,
        /// Milliseconds since the Unix epoch; 0 if no time is known.
        event_time_ms: i64,
        /// The alerts that it raised.
        alerts: Vec<RaisedAlert>,
        /// Set if it was written to no topic.
        dropped: Option<Dropped>,
    },
    /// A dead letter.
    DeadLetter {
        /// Metric label, and the header `watchbell-reason`.
        reason: &'static str,
        /// The alert about the dead letter itself, and of an event that is too large those that it raises all the
        /// same.
        alerts: Vec<RaisedAlert>,
    },
    /// What became of each of its events, for a record that holds a list.
    Several(Vec<Outcome>),
}

impl Outcome {
    /// Adds alerts to those that the record raised.
    pub(super) fn add_alerts(&mut self, more: Vec<RaisedAlert>) {
        match self {
            Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. } => {
                alerts.extend(more);
            }
            Outcome::Several(outcomes) => {
                if let Some(last) = outcomes.last_mut() {
                    last.add_alerts(more);
                }
            }
        }
    }
}

/// An event that was written to no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The kind of noise that it is; `None` if a route dropped it.
    pub noise: Option<Noise>,
    /// The bytes of the value of its source record.
    pub bytes: u64,
}
