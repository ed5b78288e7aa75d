//! Alerts and triage records to incidents. An alert belongs to the incident whose record names its offset; else to the
//! latest one of its group that has begun, unless that is closed or was quiet for a day: then it begins one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::board::Board;
use super::key::IncidentKey;
use super::record::{Change, Mark, Seen, Triage};
use super::state::TriageState;
use crate::sigma::Level;

/// After so long a quiet, an alert of the same group begins a new incident.
const QUIET_MS: i64 = 24 * 60 * 60 * 1_000;

/// An alert that was written so long after a decision was not seen by whoever decided, whatever its offset: the topic was
/// created again. Less may be the clocks.
const CLOCKS_MS: i64 = 10 * 60 * 1_000;

/// An alert, as far as its incident depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its place in the topic.
    pub mark: Mark,
    /// When its event happened, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// What belongs together.
    pub group: String,
    /// Its level.
    pub level: Option<Level>,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's title.
    pub rule: String,
    /// The alert in one line.
    pub title: String,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What is known of it by now.
    pub seen: Seen,
    /// Its alerts, as far as they were read, in the order in which they were written.
    pub alerts: Vec<Alert>,
    /// The record in force, as far as the reader may see it.
    pub triage: Option<Arc<Triage>>,
    /// The offset of the last record of its key.
    pub version: Option<i64>,
    /// The record in force as it was written: it says which alerts belong to the incident, and the next one adds to it.
    written: Option<Arc<Triage>>,
}

impl Incident {
    fn of_record(triage: &Arc<Triage>, board: &Board) -> Incident {
        Incident {
            seen: triage.seen.clone(),
            alerts: Vec::new(),
            triage: Some(triage.clone()),
            version: board.version(&triage.seen.key),
            written: Some(triage.clone()),
        }
    }

    fn begun(alert: Alert, key: IncidentKey, board: &Board) -> Incident {
        Incident {
            version: board.version(&key),
            seen: Seen {
                key,
                topic: alert.topic.to_string(),
                first: alert.mark,
                through: alert.mark,
                span_ms: (alert.time_ms, alert.time_ms),
                count: 1,
                level: alert.level,
                rule_id: alert.rule_id.clone(),
                rule: alert.rule.clone(),
                title: alert.title.clone(),
            },
            alerts: vec![alert],
            triage: None,
            written: None,
        }
    }

    /// What was decided last.
    pub fn newest(&self) -> Option<&Change> {
        self.triage.as_ref().map(|triage| &triage.newest)
    }

    /// The state.
    pub fn state(&self) -> TriageState {
        self.newest()
            .map_or(TriageState::New, |change| change.state)
    }

    /// Who works on it; empty for nobody.
    pub fn assignee(&self) -> &str {
        self.newest().map_or("", |change| &change.assignee)
    }

    /// Whether something is left to do.
    pub fn is_open(&self) -> bool {
        !self.state().is_closed()
    }

    /// The incident as somebody has seen it who knows of no alert after this offset.
    pub fn seen_through(&self, offset: i64) -> Seen {
        let offset = offset.max(self.seen.first.offset);
        let first = match &self.written {
            Some(triage) => triage.seen.clone(),
            None => match self.alerts.first() {
                Some(alert) => Seen {
                    through: alert.mark,
                    span_ms: (alert.time_ms, alert.time_ms),
                    count: 0,
                    level: alert.level,
                    title: alert.title.clone(),
                    ..self.seen.clone()
                },
                None => return self.seen.clone(),
            },
        };
        let claims = |alert: &Alert| {
            self.written
                .as_ref()
                .is_some_and(|triage| claims(triage, alert))
        };
        let seen = self
            .alerts
            .iter()
            .filter(|alert| alert.mark.offset <= offset);
        seen.filter(|alert| !claims(alert)).fold(first, with)
    }

    /// The record of a decision by somebody who knows of no alert after this offset.
    pub fn decided(&self, offset: i64, change: Change) -> Triage {
        Triage::new(self.seen_through(offset), change, self.written.as_deref())
    }

    /// The same for somebody from whom fields are hidden, whose alerts are without them. Whoever decided may have seen
    /// these fields, so the titles are those of the reader's alerts, and comments are left out.
    pub fn without_written_texts(self) -> Incident {
        let newest = self.alerts.last();
        let rule = newest.map_or(self.seen.rule, |alert| alert.rule.clone());
        let title = newest.map_or(rule.clone(), |alert| alert.title.clone());
        let triage = self.triage.map(|triage| triage.without_texts());
        Incident {
            seen: Seen {
                rule,
                title,
                ..self.seen
            },
            triage: triage.map(Arc::new),
            ..self
        }
    }

    /// Whether a further alert of the group that was written then belongs to it.
    fn takes(&self, written_ms: i64) -> bool {
        let quiet_ms = written_ms.saturating_sub(self.seen.through.written_ms);
        self.is_open() && quiet_ms < QUIET_MS
    }

    fn take(&mut self, alert: Alert) {
        let is_counted = self
            .written
            .as_ref()
            .is_some_and(|triage| claims(triage, &alert));
        if !is_counted {
            self.seen = with(self.seen.clone(), &alert);
        } else if alert.mark.written_ms >= self.seen.through.written_ms {
            // Whoever decided may have seen less of it.
            self.seen.title.clone_from(&alert.title);
        }
        self.alerts.push(alert);
    }
}

/// Whether a record names an alert.
fn claims(triage: &Triage, alert: &Alert) -> bool {
    let Seen {
        topic,
        first,
        through,
        ..
    } = &triage.seen;
    let offsets = first.offset..=through.offset;
    *topic == *alert.topic
        && offsets.contains(&alert.mark.offset)
        && alert.mark.written_ms <= through.written_ms.saturating_add(CLOCKS_MS)
}

/// The same with one more alert.
fn with(seen: Seen, alert: &Alert) -> Seen {
    let is_later = alert.mark.written_ms >= seen.through.written_ms;
    let (first_ms, last_ms) = seen.span_ms;
    Seen {
        through: Mark {
            offset: seen.through.offset.max(alert.mark.offset),
            written_ms: seen.through.written_ms.max(alert.mark.written_ms),
        },
        span_ms: (first_ms.min(alert.time_ms), last_ms.max(alert.time_ms)),
        count: seen.count + 1,
        level: seen.level.max(alert.level),
        title: if is_later {
            alert.title.clone()
        } else {
            seen.title
        },
        ..seen
    }
}

/// The incidents of these alerts, and those of which a record is known: open ones first, and then by the last alert, the
/// newest first.
pub fn gather(alerts: impl IntoIterator<Item = Alert>, board: &Board) -> Vec<Incident> {
    let mut groups: BTreeMap<String, (Vec<Incident>, Vec<Alert>)> = BTreeMap::new();
    for triage in board.all() {
        let of_group = groups.entry(triage.seen.key.group.clone()).or_default();
        of_group.0.push(Incident::of_record(triage, board));
    }
    for alert in alerts {
        groups.entry(alert.group.clone()).or_default().1.push(alert);
    }
    let of_groups = groups.into_values();
    let mut incidents: Vec<Incident> = of_groups
        .flat_map(|(recorded, alerts)| of_group(recorded, alerts, board))
        .collect();
    incidents.sort_by(|a, b| {
        let order = |incident: &Incident| (incident.is_open(), incident.seen.through.written_ms);
        order(b)
            .cmp(&order(a))
            .then_with(|| a.seen.key.cmp(&b.seen.key))
    });
    incidents
}

/// The incidents of one group; those that have a record are sorted by when they began.
fn of_group(mut incidents: Vec<Incident>, mut alerts: Vec<Alert>, board: &Board) -> Vec<Incident> {
    alerts.sort_by_key(|alert| (alert.mark.written_ms, alert.mark.offset));
    for alert in alerts {
        let names = |incident: &Incident| {
            incident
                .written
                .as_ref()
                .is_some_and(|triage| claims(triage, &alert))
        };
        let written_ms = alert.mark.written_ms;
        let named = incidents.iter().position(names);
        let latest =
            || incidents.partition_point(|incident| incident.seen.first.written_ms <= written_ms);
        let joined = named.or_else(|| {
            let latest = latest().checked_sub(1)?;
            incidents[latest].takes(written_ms).then_some(latest)
        });
        if let Some(joined) = joined {
            incidents[joined].take(alert);
            continue;
        }
        let mut key = IncidentKey {
            group: alert.group.clone(),
            began_ms: written_ms,
        };
        // Another one may have begun in the same millisecond.
        while incidents.iter().any(|incident| incident.seen.key == key) {
            key.began_ms += 1;
        }
        let place = incidents.partition_point(|incident| incident.seen.key < key);
        incidents.insert(place, Incident::begun(alert, key, board));
    }
    incidents
}

/// The incident of a key. The alerts with which an incident began may be lost meanwhile, so that its key is another one;
/// it is the one in which the key's time lies.
pub fn named<'i>(incidents: &'i [Incident], key: &IncidentKey) -> Option<&'i Incident> {
    let exact = incidents.iter().find(|incident| incident.seen.key == *key);
    exact.or_else(|| {
        incidents.iter().find(|incident| {
            let Seen {
                key: own,
                first,
                through,
                ..
            } = &incident.seen;
            let within = first.written_ms..=through.written_ms;
            own.group == key.group && within.contains(&key.began_ms)
        })
    })
}
