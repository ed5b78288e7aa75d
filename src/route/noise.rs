//! The noise policy: which events are routine, and what becomes of them. It is asked after all routes.
//! Invariant: no event that changes something, failed, or raised an alert is noise.

use crate::event::{AuditEvent, Status};

/// The label of methods that change nothing, and of events that say so of themselves.
const READS: &str = "access:read";

/// How the type of Confluent's events about authorization ends.
const AUTHORIZATION: &str = "/authorization";

/// Why an event is noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noise {
    /// An authorization to read or check something was granted.
    Authorization,
    /// A principal of the names file logged in.
    Login,
    /// Something was read.
    Read,
}

impl Noise {
    /// Each of them.
    pub const ALL: [Noise; 3] = [Noise::Authorization, Noise::Login, Noise::Read];

    /// The name in metrics, in `/status` and in the totals of a day.
    pub const fn name(self) -> &'static str {
        match self {
            Noise::Authorization => "noise_authorizations",
            Noise::Login => "noise_logins",
            Noise::Read => "noise_reads",
        }
    }

    /// Why an event that raised no alert is noise; `None` if it is not. `is_known` says whether the names file has its
    /// actor.
    pub fn of(event: &AuditEvent<'_>, is_known: impl FnOnce() -> bool) -> Option<Noise> {
        if event.status != Status::Success {
            return None;
        }
        if event.class.has_login {
            return is_known().then_some(Noise::Login);
        }
        let labels = &event.metadata.labels;
        if !labels.iter().any(|label| *label == READS) {
            return None;
        }
        let kind = event.metadata.event_code.as_deref().unwrap_or_default();
        match kind.ends_with(AUTHORIZATION) {
            true => Some(Noise::Authorization),
            false => Some(Noise::Read),
        }
    }
}

/// What becomes of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoisePolicy {
    /// It is written to the routine topic if that exists, else to the events topic.
    #[default]
    RoutineIfPresent,
    /// It is written to the events topic.
    Keep,
    /// It is written to the routine topic.
    Routine,
    /// It is written nowhere.
    Drop,
}
