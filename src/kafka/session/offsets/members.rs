//! Who reads a source now. The sources of a deployment share one group, so that a group with members
//! may still have none for a source that has stopped: each member says which topics it subscribes to.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use super::{Offsets, OffsetsError, PATIENCE};
use crate::kafka::ClientError;

/// Pause between two questions while the group rebalances.
const PAUSE: Duration = Duration::from_millis(200);

/// The members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Members {
    /// Those that read the source, and those whose topics are not known.
    pub of_source: usize,
    /// All of them.
    pub of_group: usize,
}

impl Offsets {
    /// How many members the group has.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn members(&self) -> Result<Members, OffsetsError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let groups = self
                .group
                .fetch_group_list(Some(&self.config.group), PATIENCE)
                .map_err(|error| ClientError::new("describe the group", &error))?;
            let members = groups.groups().iter().flat_map(|group| group.members());
            let reads: Vec<Option<bool>> = members
                .map(|member| subscribes(member.metadata()?, &self.facts.ownership_topic))
                .collect();
            // While the group rebalances, the cluster does not say what its members subscribe to.
            if reads.iter().all(Option::is_some) || Instant::now() >= deadline {
                return Ok(Members {
                    of_source: reads.iter().filter(|reads| **reads != Some(false)).count(),
                    of_group: reads.len(),
                });
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Whether a member's subscription names `topic`: the consumer protocol's version, then an array of
/// names. `None` where it cannot be read.
fn subscribes(subscription: &[u8], topic: &str) -> Option<bool> {
    let (_version, bytes) = subscription.split_first_chunk::<2>()?;
    let (count, mut bytes) = bytes.split_first_chunk::<4>()?;
    for _ in 0..i32::from_be_bytes(*count) {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, rest) = rest.split_at_checked(length)?;
        if name == topic.as_bytes() {
            return Some(true);
        }
        bytes = rest;
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_names_its_topics_and_what_is_cut_off_may_be_any() {
        let mut bytes = vec![0, 1, 0, 0, 0, 2];
        for name in ["watchbell.ownership.one", "other"] {
            bytes.extend((name.len() as u16).to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.extend([0, 0, 0, 0]);
        assert_eq!(subscribes(&bytes, "watchbell.ownership.one"), Some(true));
        assert_eq!(subscribes(&bytes, "other"), Some(true));
        assert_eq!(subscribes(&bytes, "watchbell.ownership"), Some(false));
        assert_eq!(subscribes(&bytes[..12], "other"), None);
        assert_eq!(subscribes(&[], "other"), None);
    }
}
