//! When a sink may be asked again: its rate limit, and the back-off after a failure.
//! Pure: the time comes in, as a clock has it that never jumps, in ms from any beginning.

/// How often a sink may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute; `None` is as many as there are.
    pub per_minute: Option<u32>,
    /// So many at once, before the rate counts.
    pub burst: u32,
}

/// Shortest and longest pause after a failure, ms.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 60_000;

/// Longest pause after a refusal, ms: what is sent next may pass.
const LONGEST_REFUSED_PAUSE_MS: i64 = 10_000;

/// The longest that a sink's own word is taken for, ms.
const LONGEST_RETRY_AFTER_MS: i64 = 15 * 60_000;

/// The pace of one sink.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    /// When the requests made so far are paid for, ms.
    paid_ms: i64,
    failures: u32,
    not_before_ms: i64,
}

impl Pace {
    /// Nothing was asked yet.
    pub fn new(rate: Rate) -> Pace {
        Pace {
            rate,
            paid_ms: i64::MIN,
            failures: 0,
            not_before_ms: i64::MIN,
        }
    }

    /// When the next request may be made, ms; in the past where it may be made now.
    pub fn next_ms(&self) -> i64 {
        let Some(cost_ms) = self.cost_ms() else {
            return self.not_before_ms;
        };
        let credit_ms = cost_ms * (i64::from(self.rate.burst.max(1)) - 1);
        self.not_before_ms
            .max(self.paid_ms.saturating_sub(credit_ms))
    }

    fn cost_ms(&self) -> Option<i64> {
        let per_minute = i64::from(self.rate.per_minute?.max(1));
        Some((60_000 + per_minute - 1) / per_minute)
    }

    /// A request is made.
    pub fn asked(&mut self, now_ms: i64) {
        if let Some(cost_ms) = self.cost_ms() {
            self.paid_ms = self.paid_ms.max(now_ms) + cost_ms;
        }
    }

    /// The sink works.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before_ms = i64::MIN;
    }

    /// The sink does not; `after_ms` is its own word on when to come again, `jitter` in 0..1 keeps
    /// several from coming at once.
    pub fn failed(&mut self, now_ms: i64, after_ms: Option<i64>, jitter: f64) {
        let pause_ms = self.pause_ms(LONGEST_PAUSE_MS, jitter);
        let asked_ms = after_ms.unwrap_or(0).min(LONGEST_RETRY_AFTER_MS);
        self.not_before_ms = now_ms + pause_ms.max(asked_ms);
    }

    /// The sink refuses whatever it is sent.
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
        let mut asked = Vec::new();
        for now_ms in (0..300_000).step_by(7) {
            if pace.next_ms() <= now_ms {
                pace.asked(now_ms);
                asked.push(now_ms);
            }
        }
        for window in asked.windows(121) {
            assert!(window[120] - window[0] > 60_000, "{window:?}");
        }
        assert!(asked.len() > 500, "{}", asked.len());
        assert!(asked[..20].iter().all(|ms| *ms < 200));
    }

    #[test]
    fn failures_double_the_pause_and_the_sinks_own_word_goes_before() {
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
