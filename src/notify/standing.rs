//! What stands in an Alertmanager, which holds alerts in memory alone and forgets them when it ends:
//! they are told again, as Prometheus does, until their time is over.
//! Pure: the time comes in. Invariant: nothing is told again beyond the time for which it was told,
//! and what stands takes bounded memory; where there is more, those that end first are left out.

use std::collections::BTreeMap;

/// Longest and shortest time between two tellings, ms. Prometheus's is a minute, too.
const LONGEST_MS: i64 = 60_000;
const SHORTEST_MS: i64 = 500;

/// So often an alert is told again before it ends, at least.
const TIMES: i64 = 4;

/// Bytes of all alerts that stand.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// An alert as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingAlert {
    /// What identifies it there.
    pub key: String,
    /// When it ends there, ms since the Unix epoch.
    pub until_ms: i64,
    /// The same words again: a JSON object.
    pub json: String,
}

/// Everything that one sink holds.
#[derive(Debug)]
pub struct Standing {
    interval_ms: i64,
    alerts: BTreeMap<String, StandingAlert>,
    bytes: usize,
    due_ms: i64,
}

impl Standing {
    /// Nothing stands yet; an alert stands for `hold_ms`.
    pub fn new(hold_ms: i64) -> Standing {
        Standing {
            interval_ms: (hold_ms / TIMES).clamp(SHORTEST_MS, LONGEST_MS),
            alerts: BTreeMap::new(),
            bytes: 0,
            due_ms: i64::MIN,
        }
    }

    /// The sink accepted an alert, in place of the one with its key if there is one.
    pub fn told(&mut self, now_ms: i64, alert: StandingAlert) {
        if self.alerts.is_empty() {
            self.due_ms = now_ms.saturating_add(self.interval_ms);
        }
        self.remove(&alert.key);
        self.insert(alert);
    }

    /// Alerts that an earlier run told of; what was told since goes before them. They are due at
    /// once: nobody told them again meanwhile.
    pub fn restore(&mut self, alerts: impl IntoIterator<Item = StandingAlert>) {
        for alert in alerts {
            if !self.alerts.contains_key(&alert.key) {
                self.insert(alert);
                self.due_ms = i64::MIN;
            }
        }
    }

    /// What is to be told again now.
    pub fn due(&mut self, now_ms: i64) -> Vec<String> {
        // The clock may have been set back.
        let latest_ms = now_ms.saturating_add(self.interval_ms);
        if self.alerts.is_empty() || now_ms < self.due_ms.min(latest_ms) {
            self.due_ms = self.due_ms.min(latest_ms);
            return Vec::new();
        }
        let over = self
            .alerts
            .values()
            .filter(|alert| alert.until_ms <= now_ms);
        let over: Vec<String> = over.map(|alert| alert.key.clone()).collect();
        over.iter().for_each(|key| self.remove(key));
        self.due_ms = latest_ms;
        self.alerts
            .values()
            .map(|alert| alert.json.clone())
            .collect()
    }

    /// How many alerts stand, as far as is known.
    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Whether none stands.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    fn insert(&mut self, alert: StandingAlert) {
        self.bytes += alert.json.len();
        self.alerts.insert(alert.key.clone(), alert);
        while self.bytes > MAX_BYTES
            && let Some(first) = self.alerts.values().min_by_key(|alert| alert.until_ms)
        {
            let key = first.key.clone();
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(removed) = self.alerts.remove(key) {
            self.bytes -= removed.json.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alert(key: &str, until_ms: i64, json: &str) -> StandingAlert {
        StandingAlert {
            key: key.into(),
            until_ms,
            json: json.into(),
        }
    }

    #[test]
    fn what_stands_is_told_again_until_its_time_is_over() {
        let mut standing = Standing::new(600_000);
        standing.told(0, alert("a", 600_000, "a1"));
        standing.told(30_000, alert("b", 630_000, "b1"));
        assert!(standing.due(59_999).is_empty());
        assert_eq!(standing.due(60_000), ["a1", "b1"]);
        assert!(standing.due(119_999).is_empty(), "once in an interval");
        // A repeat stands longer, in its own words.
        standing.told(119_999, alert("a", 719_999, "a2"));
        assert_eq!(standing.due(120_000), ["a2", "b1"]);
        assert_eq!(
            standing.due(630_000),
            ["a2"],
            "what is over is told no more"
        );
        assert!(standing.due(719_999).is_empty());
        assert!(standing.is_empty());
        standing.told(1_000_000, alert("c", 1_600_000, "c"));
        assert!(standing.due(1_000_001).is_empty());
        assert_eq!(standing.due(1_060_000), ["c"]);
    }

    #[test]
    fn an_alert_that_stands_briefly_is_told_several_times() {
        let mut standing = Standing::new(40_000);
        standing.told(0, alert("a", 40_000, "a"));
        let times = (0..50_000).filter(|ms| !standing.due(*ms).is_empty());
        assert_eq!(times.collect::<Vec<_>>(), [10_000, 20_000, 30_000]);
    }

    #[test]
    fn what_an_earlier_run_told_is_told_again_at_once_and_never_in_place_of_what_is_newer() {
        let mut standing = Standing::new(600_000);
        standing.told(0, alert("a", 600_000, "new"));
        standing.restore([alert("a", 300_000, "old"), alert("b", 300_000, "b")]);
        assert_eq!(standing.due(1), ["new", "b"]);
        assert!(standing.due(2).is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut standing = Standing::new(600_000);
        standing.told(10_000_000, alert("a", 10_600_000, "a"));
        assert_eq!(standing.due(10_060_000), ["a"]);
        assert!(standing.due(5_000_000).is_empty());
        assert_eq!(standing.due(5_060_000), ["a"]);
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_those_that_end_first_go(
            sizes in prop::collection::vec((0_usize..2_000_000, 0_u8..12, 0_i64..1_000), 1..40),
        ) {
            let mut standing = Standing::new(600_000);
            for (size, key, until_ms) in sizes {
                standing.told(0, alert(&key.to_string(), until_ms, &"x".repeat(size)));
                let bytes: usize = standing.alerts.values().map(|a| a.json.len()).sum();
                prop_assert_eq!(bytes, standing.bytes);
                prop_assert!(bytes <= MAX_BYTES);
            }
        }
    }
}
