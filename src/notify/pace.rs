//! When the next request may be sent to a sink: its rate limit, and the back-off after a failure.
//! Pure: the time is passed in, that of a monotonic clock, in ms since any moment.

/// A sink's rate limit: a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute; `None` is no limit.
    pub per_minute: Option<u32>,
    /// So many requests may be sent at once before the rate limits them.
    pub burst: u32,
}

/// Shortest and longest pause after a failure, ms.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 60_000;

/// Longest pause after a refusal, ms. It is shorter, since the sink may accept the next notification.
const LONGEST_REFUSED_PAUSE_MS: i64 = 10_000;

/// The longest `Retry-After` of a sink that is respected, ms.
const LONGEST_RETRY_AFTER_MS: i64 = 15 * 60_000;

/// The pace of one sink.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    /// When the bucket is full again after the requests sent so far, ms.
    full_ms: i64,
    failures: u32,
    not_before_ms: i64,
}

impl Pace {
    /// No request was sent yet.
    pub fn new(rate: Rate) -> Pace {
        Pace {
            rate,
            full_ms: i64::MIN,
            failures: 0,
            not_before_ms: i64::MIN,
        }
    }

    /// When the next request may be sent, ms; a time in the past if it may be sent now.
    pub fn next_ms(&self) -> i64 {
        let Some(cost_ms) = self.cost_ms() else {
            return self.not_before_ms;
        };
        let credit_ms = cost_ms * (i64::from(self.rate.burst.max(1)) - 1);
        self.not_before_ms
            .max(self.full_ms.saturating_sub(credit_ms))
    }

    /// How long it takes until the bucket has one request more, ms.
    fn cost_ms(&self) -> Option<i64> {
        let per_minute = i64::from(self.rate.per_minute?.max(1));
        Some((60_000 + per_minute - 1) / per_minute)
    }

    /// A request is sent.
    pub fn request_sent(&mut self, now_ms: i64) {
        if let Some(cost_ms) = self.cost_ms() {
            self.full_ms = self.full_ms.max(now_ms) + cost_ms;
        }
    }

    /// The sink accepted a notification.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before_ms = i64::MIN;
    }

    /// A request failed. `after_ms` is the sink's `Retry-After`; `jitter` in 0..1 keeps several
    /// processes from retrying at the same moment.
    pub fn failed(&mut self, now_ms: i64, after_ms: Option<i64>, jitter: f64) {
        let pause_ms = self.pause_ms(LONGEST_PAUSE_MS, jitter);
        let after_ms = after_ms.unwrap_or(0).min(LONGEST_RETRY_AFTER_MS);
        self.not_before_ms = now_ms + pause_ms.max(after_ms);
    }

    /// The sink refuses every notification.
    pub fn refused(&mut self, now_ms: i64, jitter: f64) {
        self.not_before_ms = now_ms + self.pause_ms(LONGEST_REFUSED_PAUSE_MS, jitter);
    }

    fn pause_ms(&mut self, longest_ms: i64, jitter: f64) -> i64 {
        let pause_ms = (FIRST_PAUSE_MS << self.failures.min(10)).min(longest_ms);
        self.failures = self.failures.saturating_add(1);
        (pause_ms as f64 * (0.5 + jitter / 2.0)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_holds_more_than_the_rate_and_the_burst() {
        let mut pace = Pace::new(Rate {
            per_minute: Some(100),
            burst: 20,
        });
        let mut sent = Vec::new();
        for now_ms in (0..300_000).step_by(7) {
            if pace.next_ms() <= now_ms {
                pace.request_sent(now_ms);
                sent.push(now_ms);
            }
        }
        for window in sent.windows(121) {
            assert!(window[120] - window[0] > 60_000, "{window:?}");
        }
        assert!(sent.len() > 500, "{}", sent.len());
        assert!(sent[..20].iter().all(|ms| *ms < 200));
    }

    #[test]
    fn failures_double_the_pause_and_the_sinks_retry_after_is_respected() {
        let mut pace = Pace::new(Rate {
            per_minute: None,
            burst: 1,
        });
        let pauses: Vec<i64> = (0..12)
            .map(|_| {
                pace.failed(0, None, 1.0);
                pace.next_ms()
            })
            .collect();
        assert_eq!(pauses[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(pauses[11], LONGEST_PAUSE_MS);
        pace.succeeded();
        pace.failed(0, Some(30_000), 0.0);
        assert_eq!(pace.next_ms(), 30_000);
        pace.failed(0, Some(i64::MAX), 0.0);
        assert_eq!(pace.next_ms(), LONGEST_RETRY_AFTER_MS);
        for _ in 0..12 {
            pace.refused(0, 1.0);
        }
        assert_eq!(pace.next_ms(), LONGEST_REFUSED_PAUSE_MS);
    }
}
