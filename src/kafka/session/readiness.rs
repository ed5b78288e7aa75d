//! Whether records flow, and why not: the trouble of a session, and what its observer was told; pure.
//! Invariant: a trouble is reported once when it begins and once when it is over, and a session with a
//! trouble is not ready.

use std::time::{Duration, Instant};

use super::failure::Trouble;
use super::observe::{NotReady, Unreadable};
use crate::event::Partition;
use crate::kafka::fault::{Side, TOPIC_UNAUTHORIZED};

/// How often a cluster in trouble is asked whether it is back, when no record would tell.
const PROBE_PAUSE: Duration = Duration::from_secs(5);

/// The state that an observer is told.
#[derive(Debug)]
pub(super) struct Readiness {
    joined: bool,
    trouble: Option<Trouble>,
    probe_at: Instant,
    /// What the observer was told last; `None` before it was told anything.
    told: Option<Option<NotReady>>,
    told_unreadable: Vec<Unreadable>,
}

/// What readiness depends on beside the trouble.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'s> {
    pub(super) group: &'s str,
    /// Records of some partitions cannot be read.
    pub(super) unreadable: Option<NotReady>,
    /// Partitions whose position is not known.
    pub(super) pending: Vec<Partition>,
    /// Partitions of the source without an owner.
    pub(super) growth: Option<&'s NotReady>,
}

impl Readiness {
    pub(super) fn new(now: Instant) -> Readiness {
        Readiness {
            joined: false,
            trouble: None,
            probe_at: now,
            told: None,
            told_unreadable: Vec::new(),
        }
    }

    /// The group has assigned partitions, perhaps none.
    pub(super) fn assigned(&mut self) {
        self.joined = true;
    }

    /// The group has taken partitions away. A member that it has forgotten has to join anew.
    pub(super) fn revoked(&mut self, lost: bool) {
        self.joined &= !lost;
    }

    pub(super) fn in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Whether there is a trouble, with another reason than this.
    pub(super) fn in_other_trouble(&self, reason: &str) -> bool {
        self.trouble.as_ref().is_some_and(|t| t.reason != reason)
    }

    /// A trouble has been met; whether it is to be reported.
    pub(super) fn trouble(&mut self, trouble: Trouble, now: Instant) -> bool {
        let known = self.trouble.as_ref().map(|known| known.reason);
        let is_new = known != Some(trouble.reason);
        self.trouble = Some(trouble);
        self.probed(now);
        is_new
    }

    /// The cluster works: its trouble is over. Whether there was one.
    pub(super) fn works(&mut self, side: Side) -> bool {
        let over = self.trouble.as_ref().is_some_and(|t| t.side == side);
        if over {
            self.trouble = None;
        }
        over
    }

    /// A record has been read: whatever kept records from being read is over. A missing right is not: librdkafka
    /// complains of it once for a partition, and others may still be read. Whether a trouble is over.
    pub(super) fn record_read(&mut self) -> bool {
        let lasts = |trouble: &Trouble| trouble.reason == TOPIC_UNAUTHORIZED;
        !self.trouble.as_ref().is_some_and(lasts) && self.works(Side::Source)
    }

    /// The cluster that is to be asked now whether it is back.
    pub(super) fn to_probe(&self, now: Instant) -> Option<Side> {
        let trouble = self.trouble.as_ref()?;
        (now >= self.probe_at).then_some(trouble.side)
    }

    /// It is asked now, and again later.
    pub(super) fn probed(&mut self, now: Instant) {
        self.probe_at = now + PROBE_PAUSE;
    }

    /// Why the session is not ready; the first reason that somebody can do something about.
    fn state(&self, surroundings: Surroundings<'_>) -> Option<NotReady> {
        if let Some(trouble) = &self.trouble {
            return Some(NotReady {
                reason: trouble.reason,
                remedy: trouble.remedy.clone(),
            });
        }
        if !self.joined {
            return Some(NotReady {
                reason: "joining",
                remedy: format!("joining the group {}", surroundings.group),
            });
        }
        if surroundings.unreadable.is_some() {
            return surroundings.unreadable;
        }
        if !surroundings.pending.is_empty() {
            return Some(NotReady {
                reason: "positions",
                remedy: waiting_for(&surroundings.pending),
            });
        }
        surroundings.growth.cloned()
    }

    /// What the observer is to be told, where it differs from what it was told last: ready is
    /// `Some(None)`.
    pub(super) fn news(&mut self, surroundings: Surroundings<'_>) -> Option<Option<NotReady>> {
        let state = Some(self.state(surroundings));
        if self.told == state {
            return None;
        }
        self.told.clone_from(&state);
        state
    }

    /// Whether the observer is to be told of these unreadable places.
    pub(super) fn unreadable_news(&mut self, held: &[Unreadable]) -> bool {
        let is_new = held != self.told_unreadable;
        if is_new {
            self.told_unreadable = held.to_vec();
        }
        is_new
    }
}

/// What is waited for, for a person.
fn waiting_for(pending: &[Partition]) -> String {
    let numbers: Vec<String> = pending.iter().map(|of| of.0.to_string()).collect();
    format!(
        "waiting until the group says the positions of these partitions: {}",
        numbers.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(side: Side, reason: &'static str) -> Trouble {
        Trouble {
            side,
            reason,
            remedy: format!("repair {reason}"),
        }
    }

    fn not_ready(reason: &'static str) -> NotReady {
        NotReady {
            reason,
            remedy: format!("repair {reason}"),
        }
    }

    fn joined() -> (Readiness, Instant) {
        let now = Instant::now();
        let mut readiness = Readiness::new(now);
        readiness.assigned();
        (readiness, now)
    }

    #[test]
    fn the_state_names_the_first_of_trouble_joining_unreadable_positions_and_growth() {
        let growth = not_ready("source_grew");
        let all = || Surroundings {
            group: "watchbell",
            unreadable: Some(not_ready("unreadable")),
            pending: vec![Partition(3), Partition(5)],
            growth: Some(&growth),
        };
        let now = Instant::now();
        let mut readiness = Readiness::new(now);
        readiness.trouble(trouble(Side::Source, "unreachable"), now);
        let mut reasons = Vec::new();
        let mut reason = |readiness: &Readiness, surroundings| {
            let state = readiness.state(surroundings);
            reasons.push(state.map_or("ready", |state| state.reason));
        };
        reason(&readiness, all());
        assert!(readiness.works(Side::Source));
        reason(&readiness, all());
        readiness.assigned();
        reason(&readiness, all());
        let rest = |pending| Surroundings {
            pending,
            unreadable: None,
            ..all()
        };
        reason(&readiness, rest(vec![Partition(3)]));
        reason(&readiness, rest(Vec::new()));
        reason(&readiness, Surroundings::default());
        assert_eq!(
            reasons,
            [
                "unreachable",
                "joining",
                "unreadable",
                "positions",
                "source_grew",
                "ready"
            ]
        );
        let state = readiness.state(rest(vec![Partition(3), Partition(5)]));
        assert!(state.expect("a state").remedy.ends_with(": 3, 5"));
    }

    #[test]
    fn the_observer_is_told_of_each_change_once() {
        let (mut readiness, now) = joined();
        assert_eq!(readiness.news(Surroundings::default()), Some(None));
        assert_eq!(readiness.news(Surroundings::default()), None);
        assert!(readiness.trouble(trouble(Side::Source, "unreachable"), now));
        assert!(!readiness.trouble(trouble(Side::Source, "unreachable"), now));
        let told = readiness.news(Surroundings::default());
        assert_eq!(told, Some(Some(not_ready("unreachable"))));
        assert!(readiness.works(Side::Source));
        assert_eq!(readiness.news(Surroundings::default()), Some(None));
    }

    #[test]
    fn a_trouble_ends_with_its_own_cluster_only() {
        let (mut readiness, now) = joined();
        readiness.trouble(trouble(Side::Destination, "replicas_missing"), now);
        assert!(!readiness.works(Side::Source) && !readiness.record_read());
        assert!(readiness.in_other_trouble("unreachable"));
        assert!(!readiness.in_other_trouble("replicas_missing"));
        assert!(readiness.works(Side::Destination) && !readiness.in_trouble());
    }

    #[test]
    fn a_record_ends_every_trouble_of_the_source_but_a_missing_right() {
        let (mut readiness, now) = joined();
        readiness.trouble(trouble(Side::Source, "unreachable"), now);
        assert!(readiness.record_read());
        readiness.trouble(trouble(Side::Source, TOPIC_UNAUTHORIZED), now);
        assert!(!readiness.record_read() && readiness.in_trouble());
    }

    #[test]
    fn a_cluster_in_trouble_is_asked_every_five_seconds() {
        let (mut readiness, now) = joined();
        let after = |s| now + Duration::from_secs(s);
        assert_eq!(readiness.to_probe(after(60)), None);
        readiness.trouble(trouble(Side::Source, "unreachable"), now);
        assert_eq!(readiness.to_probe(after(4)), None);
        assert_eq!(readiness.to_probe(after(5)), Some(Side::Source));
        readiness.probed(after(5));
        assert_eq!(readiness.to_probe(after(9)), None);
    }

    #[test]
    fn a_member_that_lost_its_partitions_has_to_join_anew() {
        let (mut readiness, _) = joined();
        let reason = |readiness: &Readiness| {
            readiness
                .state(Surroundings::default())
                .map(|state| state.reason)
        };
        readiness.revoked(false);
        assert_eq!(reason(&readiness), None);
        readiness.revoked(true);
        assert_eq!(reason(&readiness), Some("joining"));
    }
}
