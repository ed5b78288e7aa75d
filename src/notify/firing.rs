//! The alerts that are firing in an Alertmanager. It holds them in memory only and forgets them when it
//! restarts, so they are sent again, as Prometheus does, until their `endsAt`.
//! Pure: the time is passed in.
//! Invariant: no alert is sent again after its end, and memory is bounded: where there are too many, those
//! that end first are no longer sent again.

use std::collections::BTreeMap;

/// Longest and shortest interval at which alerts are sent again, ms. Prometheus does it every minute.
const LONGEST_MS: i64 = 60_000;
const SHORTEST_MS: i64 = 500;

/// The interval is this fraction of the time for which an alert fires.
const INTERVALS_PER_HOLD: i64 = 4;

/// Most bytes of all alerts that are kept to be sent again.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// An alert as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringAlert {
    /// Identifies it in Alertmanager: its labels.
    pub key: String,
    /// Its `endsAt`, ms since the Unix epoch.
    pub until_ms: i64,
    /// The alert as it was sent: a JSON object.
    pub json: String,
}

/// All alerts that are firing at one sink.
#[derive(Debug)]
pub struct FiringAlerts {
    interval_ms: i64,
    alerts: BTreeMap<String, FiringAlert>,
    bytes: usize,
    due_ms: i64,
}

impl FiringAlerts {
    /// No alert yet; each fires for `hold_ms`.
    pub fn new(hold_ms: i64) -> FiringAlerts {
        FiringAlerts {
            interval_ms: (hold_ms / INTERVALS_PER_HOLD).clamp(SHORTEST_MS, LONGEST_MS),
            alerts: BTreeMap::new(),
            bytes: 0,
            due_ms: i64::MIN,
        }
    }

    /// The sink accepted an alert. It replaces an earlier one of the same key.
    pub fn accepted(&mut self, now_ms: i64, alert: FiringAlert) {
        if self.alerts.is_empty() {
            self.due_ms = now_ms.saturating_add(self.interval_ms);
        }
        self.remove(&alert.key);
        self.insert(alert);
    }

    /// Alerts that were sent before this process started. Alerts sent since replace them. They are due
    /// at once, since nobody has sent them again meanwhile.
    pub fn restore(&mut self, alerts: impl IntoIterator<Item = FiringAlert>) {
        for alert in alerts {
            if !self.alerts.contains_key(&alert.key) {
                self.insert(alert);
                self.due_ms = i64::MIN;
            }
        }
    }

    /// The alerts to send again now.
    pub fn due(&mut self, now_ms: i64) -> Vec<String> {
        // If the wall clock was set back, `due_ms` may be far in the future.
        let latest_ms = now_ms.saturating_add(self.interval_ms);
        if self.alerts.is_empty() || now_ms < self.due_ms.min(latest_ms) {
            self.due_ms = self.due_ms.min(latest_ms);
            return Vec::new();
        }
        let ended = self
            .alerts
            .values()
            .filter(|alert| alert.until_ms <= now_ms);
        let ended: Vec<String> = ended.map(|alert| alert.key.clone()).collect();
        ended.iter().for_each(|key| self.remove(key));
        self.due_ms = latest_ms;
        self.alerts
            .values()
            .map(|alert| alert.json.clone())
            .collect()
    }

    /// How many alerts are firing, as far as is known.
    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Whether none is firing, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    fn insert(&mut self, alert: FiringAlert) {
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

    fn alert(key: &str, until_ms: i64, json: &str) -> FiringAlert {
        FiringAlert {
            key: key.into(),
            until_ms,
            json: json.into(),
        }
    }

    #[test]
    fn a_firing_alert_is_sent_again_until_it_ends() {
        let mut firing = FiringAlerts::new(600_000);
        firing.accepted(0, alert("a", 600_000, "a1"));
        firing.accepted(30_000, alert("b", 630_000, "b1"));
        assert!(firing.due(59_999).is_empty());
        assert_eq!(firing.due(60_000), ["a1", "b1"]);
        assert!(firing.due(119_999).is_empty(), "once in an interval");
        // A repeat replaces the alert and ends later.
        firing.accepted(119_999, alert("a", 719_999, "a2"));
        assert_eq!(firing.due(120_000), ["a2", "b1"]);
        assert_eq!(
            firing.due(630_000),
            ["a2"],
            "an alert that has ended is not sent again"
        );
        assert!(firing.due(719_999).is_empty());
        assert!(firing.is_empty());
        firing.accepted(1_000_000, alert("c", 1_600_000, "c"));
        assert!(firing.due(1_000_001).is_empty());
        assert_eq!(firing.due(1_060_000), ["c"]);
    }

    #[test]
    fn an_alert_that_fires_briefly_is_sent_several_times() {
        let mut firing = FiringAlerts::new(40_000);
        firing.accepted(0, alert("a", 40_000, "a"));
        let times = (0..50_000).filter(|ms| !firing.due(*ms).is_empty());
        assert_eq!(times.collect::<Vec<_>>(), [10_000, 20_000, 30_000]);
    }

    #[test]
    fn alerts_sent_before_the_start_are_sent_again_at_once_and_never_replace_newer_ones() {
        let mut firing = FiringAlerts::new(600_000);
        firing.accepted(0, alert("a", 600_000, "new"));
        firing.restore([alert("a", 300_000, "old"), alert("b", 300_000, "b")]);
        assert_eq!(firing.due(1), ["new", "b"]);
        assert!(firing.due(2).is_empty());
    }

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_stop_sending() {
        let mut firing = FiringAlerts::new(600_000);
        firing.accepted(10_000_000, alert("a", 10_600_000, "a"));
        assert_eq!(firing.due(10_060_000), ["a"]);
        assert!(firing.due(5_000_000).is_empty());
        assert_eq!(firing.due(5_060_000), ["a"]);
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_the_alerts_that_end_first_are_left_out(
            sizes in prop::collection::vec((0_usize..2_000_000, 0_u8..12, 0_i64..1_000), 1..40),
        ) {
            let mut firing = FiringAlerts::new(600_000);
            for (size, key, until_ms) in sizes {
                firing.accepted(0, alert(&key.to_string(), until_ms, &"x".repeat(size)));
                let bytes: usize = firing.alerts.values().map(|a| a.json.len()).sum();
                prop_assert_eq!(bytes, firing.bytes);
                prop_assert!(bytes <= MAX_BYTES);
            }
        }
    }
}
