//! A source that grows: its new partitions need a place in the ownership topic and an owner.
//! Invariant: from the moment in which a session sees a new partition until the group has an owner
//! for it, the session is not ready.

use std::time::{Duration, Instant};

use super::error::Setback;
use super::observe::NotReady;
use super::open::{QUESTION, provide_ownership};
use super::turn::Session;
use crate::kafka::topics::Topics;

/// How often the source's number of partitions is looked at.
pub(super) const GROWTH_CHECK: Duration = Duration::from_secs(10);

/// The same while new partitions wait for an owner.
const GROWING_CHECK: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Grow our ownership topic when the source has grown, and wait until the group has shared the
    /// new partitions.
    pub(super) fn watch_growth(&mut self) -> Result<(), Setback> {
        let now = Instant::now();
        if now < self.grow_at || (self.trouble.is_some() && self.growing.is_none()) {
            return Ok(());
        }
        // What follows takes its time: nothing stays open meanwhile.
        self.finish()?;
        self.note_growth();
        if self.growing.is_some() {
            self.growing = self.still_growing();
        }
        self.grow_at = Instant::now()
            + match self.growing {
                Some(_) => GROWING_CHECK,
                None => GROWTH_CHECK,
            };
        Ok(())
    }

    /// Look whether the source has more partitions than were known.
    pub(super) fn note_growth(&mut self) {
        let Ok(Some(count)) = self.reader.partitions(QUESTION) else {
            return;
        };
        let known = self.ground.source_partitions;
        if count <= known {
            return;
        }
        tracing::info!(
            source = self.config.source_name,
            from = known,
            to = count,
            "the source has grown"
        );
        self.ground.source_partitions = count;
        self.positions.look_again();
        self.growing = Some(sharing(count));
    }

    /// Why the new partitions are not read yet; `None` once they all have an owner.
    fn still_growing(&mut self) -> Option<NotReady> {
        let count = self.ground.source_partitions;
        if self.ground.ownership_is_ours
            && let Err(state) = self.grow_ownership(count)
        {
            if self.growing.as_ref() != Some(&state) {
                let (source, reason) = (&self.config.source_name, state.reason);
                tracing::warn!(source, reason, "{}", state.remedy);
            }
            return Some(state);
        }
        let covered = self.owner.covers(count, QUESTION);
        if let Err(error) = &covered {
            tracing::debug!(%error, "who owns the new partitions");
        }
        (!covered.unwrap_or(false)).then(|| sharing(count))
    }

    fn grow_ownership(&self, count: u32) -> Result<(), NotReady> {
        let topics = Topics::new(&self.config.destination, QUESTION).map_err(|error| NotReady {
            reason: "unreachable",
            remedy: error.to_string(),
        })?;
        provide_ownership(&topics, &self.ground.ownership_topic, count).map_err(|trouble| {
            NotReady {
                reason: trouble.reason,
                remedy: trouble.remedy,
            }
        })
    }
}

fn sharing(count: u32) -> NotReady {
    NotReady {
        reason: "source_grew",
        remedy: format!("the source has {count} partitions now; the group is sharing them out"),
    }
}
