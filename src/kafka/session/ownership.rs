//! Following the source as it grows: the ownership topic gets as many partitions, and the group owners
//! for them.

use std::time::Instant;

use super::cluster_facts::{REQUEST_TIMEOUT, provide_ownership};
use super::failure::BatchFailure;
use super::observe::NotReady;
use super::turn::Session;
use crate::kafka::topics::Topics;

impl Session<'_> {
    /// Grow our ownership topic when the source has grown, and wait until each new partition has an
    /// owner.
    pub(super) fn watch_growth(&mut self) -> Result<(), BatchFailure> {
        if !self
            .growth
            .is_due(Instant::now(), self.readiness.in_trouble())
        {
            return Ok(());
        }
        // What follows takes time: no transaction stays open meanwhile.
        self.finish()?;
        self.look_for_growth();
        if self.growth.is_waiting() {
            self.provide_owners();
        }
        self.growth.checked(Instant::now());
        Ok(())
    }

    /// Look whether the source has more partitions than were known.
    pub(super) fn look_for_growth(&mut self) {
        let Ok(Some(count)) = self.reader.partitions(REQUEST_TIMEOUT) else {
            return;
        };
        let known = self.facts.source_partitions;
        if count <= known {
            return;
        }
        tracing::info!(
            source = self.config.source_name,
            from = known,
            to = count,
            "the source has grown"
        );
        self.facts.source_partitions = count;
        self.positions.look_again();
        self.growth.found(count);
    }

    /// Grow the ownership topic, and look whether all partitions have an owner.
    fn provide_owners(&mut self) {
        let count = self.facts.source_partitions;
        if self.facts.ownership_is_ours
            && let Err(state) = self.grow_ownership(count)
        {
            if self.growth.hindered(state.clone()) {
                let (source, reason) = (&self.config.source_name, state.reason);
                tracing::warn!(source, reason, "{}", state.remedy);
            }
            return;
        }
        let covered = self.owner.covers(count, REQUEST_TIMEOUT);
        if let Err(error) = &covered {
            tracing::debug!(%error, "who owns the new partitions");
        }
        self.growth.covered(covered.unwrap_or(false), count);
    }

    fn grow_ownership(&self, count: u32) -> Result<(), NotReady> {
        let destination = &self.config.destination;
        let topics = Topics::new(destination, REQUEST_TIMEOUT).map_err(|error| NotReady {
            reason: error.reason(),
            remedy: error.to_string(),
        })?;
        provide_ownership(&topics, &self.facts.ownership_topic, count).map_err(|trouble| NotReady {
            reason: trouble.reason,
            remedy: trouble.remedy,
        })
    }
}
