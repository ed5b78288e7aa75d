//! How far a partition is behind: a number of offsets and an age, or, where offsets jump, an age alone.

use std::time::{Duration, Instant};

use super::{Positions, Running};
use crate::event::{NextOffset, Partition};
use crate::kafka::session::observe::Lag;

impl Running {
    /// At most how old the oldest record is that waits. It came after the last one committed, by the wall
    /// clock, and after the moment in which nothing waited, whatever the wall clock has done since.
    fn age_of_oldest(&self, (now_ms, now): (i64, Instant)) -> Option<Duration> {
        let last = self.committed.evidence.last.as_ref();
        let last_ms = last.and_then(|last| last.time_ms);
        let age_ms = last_ms.map(|ms| u64::try_from(now_ms.saturating_sub(ms)).unwrap_or(0));
        let since_last = age_ms.map(Duration::from_millis);
        let since_caught_up = self.caught_up.map(|at| now.saturating_duration_since(at));
        since_last.into_iter().chain(since_caught_up).min()
    }
}

impl Positions {
    /// How far a partition is behind its `end`. Where every record is committed, what the client has
    /// `handed_over` beyond are markers of the source's own transactions, and no lag.
    pub(in crate::kafka::session) fn lag(
        &mut self,
        partition: Partition,
        end: NextOffset,
        handed_over: Option<NextOffset>,
        (now_ms, now): (i64, Instant),
    ) -> Option<Lag> {
        let running = self.running_mut(partition)?;
        let committed = &running.committed;
        let beyond = handed_over.filter(|_| running.read == committed.next);
        let done = beyond.max(Some(committed.next))?;
        if end <= done {
            running.caught_up = Some(now);
            return Some(Lag::CAUGHT_UP);
        }
        Some(Lag {
            records: Some(u64::try_from(end.0 - done.0).unwrap_or(0)),
            age: running.age_of_oldest((now_ms, now)),
        })
    }

    /// The same if the source's offsets jump: then only the time is known. Nothing waits once every record
    /// that was read is committed and the client is `idle`: it asks for more and gets none.
    pub(in crate::kafka::session) fn lag_in_time(
        &mut self,
        partition: Partition,
        idle: bool,
        (now_ms, now): (i64, Instant),
    ) -> Option<Lag> {
        let running = self.running_mut(partition)?;
        let nothing_waits = idle && running.read == running.committed.next;
        if nothing_waits {
            running.caught_up = Some(now);
        }
        Some(Lag {
            records: None,
            age: match nothing_waits {
                true => Some(Duration::ZERO),
                false => running.age_of_oldest((now_ms, now)),
            },
        })
    }
}
