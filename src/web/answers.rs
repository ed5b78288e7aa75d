//! Answers of the archive that are given again for some time: profiles, the events in which rights were given, and the values
//! that the filter bar completes. The policy, by its name, says what is hidden from those who are given an answer.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::grant_events::GrantEvents;
use super::remembered::Remembered;
use super::turns::Turns;
use crate::kafka::Stored;
use crate::page::{Asked, GrantedBy, Histogram, ProfileOf};
use crate::query::archive::{Attribute, Facet};

/// How many profiles are remembered, and for how long.
const PROFILES: (usize, Duration) = (256, Duration::from_secs(60));

/// The same of the events in which rights were given, of different spans of time.
const GRANTS: (usize, Duration) = (4, Duration::from_secs(1_800));

/// The same of the values of attributes.
const VALUES: (usize, Duration) = (64, Duration::from_secs(600));

/// What is remembered.
pub(super) struct Answers {
    pub(super) profiles: Remembered<ProfileQuestion, KnownProfile>,
    /// What others gave an actor, or took from it.
    pub(super) by_others: Remembered<ProfileQuestion, Granted>,
    pub(super) grants: Remembered<GrantsQuestion, GrantEvents>,
    /// The turn of whoever reads such events, which goes on when the reader has left: one at a time.
    pub(super) grants_turn: Turns,
    pub(super) values: Remembered<ValuesQuestion, KnownValues>,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers {
            profiles: Remembered::new(PROFILES.0, PROFILES.1),
            by_others: Remembered::new(PROFILES.0, PROFILES.1),
            grants: Remembered::new(GRANTS.0, GRANTS.1),
            grants_turn: Turns::new(1),
            values: Remembered::new(VALUES.0, VALUES.1),
        }
    }
}

/// Whose profile is asked for, and of which time.
#[derive(Clone, PartialEq)]
pub(super) struct ProfileQuestion {
    pub(super) policy: Option<String>,
    pub(super) of: ProfileOf,
    pub(super) name: String,
    pub(super) when: String,
    pub(super) zone: TimeZone,
}

/// What there is of an actor or a resource.
pub(super) struct KnownProfile {
    pub(super) end_ms: i64,
    pub(super) counted_ms: i64,
    pub(super) histogram: Option<Histogram>,
    pub(super) facets: Vec<Facet>,
    pub(super) alerts: u64,
    /// The rights that an actor gave or took away, where it may have done so.
    pub(super) given: Option<Granted>,
}

/// The newest events in which rights were given or taken away, by whom, and the question that finds all of them.
pub(super) struct Granted {
    pub(super) by: GrantedBy,
    pub(super) asked: Asked,
    pub(super) events: Vec<Stored>,
}

/// Of which time the events are wanted in which rights were given.
#[derive(PartialEq)]
pub(super) struct GrantsQuestion {
    pub(super) policy: Option<String>,
    pub(super) when: String,
    pub(super) zone: TimeZone,
}

/// Of which attribute the values are wanted.
#[derive(PartialEq)]
pub(super) struct ValuesQuestion {
    pub(super) policy: Option<String>,
    pub(super) of: Attribute,
}

/// The values of an attribute, the most frequent first.
pub(super) struct KnownValues {
    pub(super) values: Vec<String>,
    /// Whether there are no others.
    pub(super) are_all: bool,
}
