//! The events in which rights were given or taken away. They are few, but each stands among many others that would have to be
//! unpacked with it, so they are kept for some time; what has come since is asked each time.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::background::Background;
use super::error_words::in_words;
use crate::archive::{TableKind, begin_of_day_ms};
use crate::kafka::Stored;
use crate::query::archive::{Conditions, Engine, Found, record_columns};
use crate::sigma::Scratch;
use crate::view::{At, Emitted};

/// Most events that are kept, and most bytes of them.
const MOST: (usize, usize) = (20_000, 32 << 20);

/// How many days are read at a time.
const WEEK: i32 = 7;

/// How much later than it happened an event may come.
const LATE_MS: i64 = 60 * 60 * 1_000;

/// The events of some span of time.
pub(super) struct GrantEvents {
    /// Until when, in milliseconds since the Unix epoch.
    read_ms: i64,
    /// The newest first.
    events: Vec<Stored>,
    /// Whether there were no others.
    is_whole: bool,
}

impl GrantEvents {
    /// The events that meet the conditions, of which the newest are kept. They are read a week at a time, each when its turn has
    /// come, so that questions of others do not wait for all of it.
    ///
    /// # Errors
    /// Why they cannot be read, for a person.
    pub(super) async fn read(
        engine: &Engine,
        conditions: &Conditions,
        background: &Background,
    ) -> Result<GrantEvents, String> {
        let mut read = GrantEvents {
            read_ms: Timestamp::now().as_millisecond(),
            events: Vec::new(),
            is_whole: true,
        };
        let (mut bytes, mut week) = (0, conditions.clone());
        while read.is_whole {
            let until_ms = week.to_ms.map_or(i64::MAX, |to_ms| to_ms - 1);
            let Some(newest) = engine.newest_day(TableKind::Events, until_ms) else {
                break;
            };
            let begin_ms = begin_of_day_ms(newest - (WEEK - 1));
            week.from_ms = conditions.from_ms.max(Some(begin_ms));
            {
                let _turn = background.turns.take().await;
                read.add(engine, &week, &mut bytes).await?;
            }
            if week.from_ms > Some(begin_ms) {
                break;
            }
            week.to_ms = Some(begin_ms);
        }
        Ok(read)
    }

    /// Adds the events that meet the conditions, until there are too many.
    async fn add(
        &mut self,
        engine: &Engine,
        conditions: &Conditions,
        bytes: &mut usize,
    ) -> Result<(), String> {
        let mut failed = None;
        let mut found = |found: &Found| {
            let each = found.each_record(TableKind::Events, &mut |record| {
                *bytes += record.value.map_or(0, <[u8]>::len);
                self.events.push(Stored::from(record));
                self.is_whole = self.events.len() <= MOST.0 && *bytes <= MOST.1;
                match self.is_whole {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            each.unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        };
        let columns = record_columns(TableKind::Events);
        let most = Some(MOST.0 + 1);
        let newest = engine.newest(TableKind::Events, conditions, most, columns, &mut found);
        newest.await.map_err(|error| in_words(&error))?;
        match failed {
            Some(error) => Err(in_words(&error)),
            None => Ok(()),
        }
    }

    /// The newest events that meet the conditions, which are those of [`GrantEvents::read`] and a filter.
    ///
    /// # Errors
    /// Why they cannot be read, for a person.
    pub(super) async fn newest(
        &self,
        engine: &Engine,
        conditions: &Conditions,
        limit: usize,
    ) -> Result<Vec<Stored>, String> {
        let Some(filter) = conditions.filter.as_ref().filter(|_| self.is_whole) else {
            let all = engine.newest_records(TableKind::Events, conditions, limit);
            return all.await.map_err(|error| in_words(&error));
        };
        let recent = Conditions {
            from_ms: conditions.from_ms.max(Some(self.read_ms - LATE_MS)),
            ..conditions.clone()
        };
        let recent = engine.newest_records(TableKind::Events, &recent, limit);
        let mut newest = recent.await.map_err(|error| in_words(&error))?;
        let at = |event: &Stored| At::from(event.record().position);
        let seen: HashSet<At> = newest.iter().map(at).collect();
        let mut scratch = Scratch::default();
        let takes = |event: &&Stored| {
            let emitted = Emitted::new(event.record());
            let time_ms = emitted.root().and_then(|root| root.int("time"));
            let is_in_time = time_ms.is_none_or(|time_ms| {
                conditions.from_ms.is_none_or(|from_ms| time_ms >= from_ms)
                    && conditions.to_ms.is_none_or(|to_ms| time_ms < to_ms)
            });
            is_in_time && !seen.contains(&at(event)) && filter.takes(&emitted, &mut scratch)
        };
        let left = limit.saturating_sub(newest.len());
        newest.extend(self.events.iter().filter(takes).take(left).cloned());
        Ok(newest)
    }
}
