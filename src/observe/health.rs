//! Whether the daemon lives and whether it is ready.
//! Living is the loops' heartbeat and nothing else: to restart a process because a broker is away
//! makes everything worse. Ready is what the sessions say of themselves.

use std::sync::Arc;
use std::time::Duration;

use super::source::SourceState;

/// A loop that has not turned for this long is stuck.
pub const HEARTBEAT_LIMIT: Duration = Duration::from_secs(60);

/// The health of all sources.
#[derive(Debug, Clone)]
pub struct Health {
    sources: Vec<Arc<SourceState>>,
}

impl Health {
    /// Watch these sources.
    pub fn new(sources: Vec<Arc<SourceState>>) -> Health {
        Health { sources }
    }

    /// Whether every loop still turns; otherwise which does not, a line each.
    ///
    /// # Errors
    /// The text for a person.
    pub fn live(&self) -> Result<(), String> {
        let stuck = |source: &Arc<SourceState>| {
            let silence = source.silence();
            (silence >= HEARTBEAT_LIMIT).then(|| {
                let (name, silence_s) = (source.name(), silence.as_secs());
                format!("{name}: the loop has not turned for {silence_s} s")
            })
        };
        lines(self.sources.iter().filter_map(stuck))
    }

    /// Whether records of every source flow; otherwise what is wrong and what to repair.
    ///
    /// # Errors
    /// The text for a person.
    pub fn ready(&self) -> Result<(), String> {
        let waiting = |source: &Arc<SourceState>| {
            let state = source.not_ready()?;
            Some(format!(
                "{}: {}: {}",
                source.name(),
                state.reason,
                state.remedy
            ))
        };
        lines(self.sources.iter().filter_map(waiting))
    }

    /// All sources, for figures that are taken when they are asked for.
    pub(super) fn sources(&self) -> &[Arc<SourceState>] {
        &self.sources
    }
}

fn lines(lines: impl Iterator<Item = String>) -> Result<(), String> {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::session::NotReady;

    #[test]
    fn every_source_must_be_ready_and_the_others_say_what_to_repair() {
        let one = Arc::new(SourceState::new("one"));
        let two = Arc::new(SourceState::new("two"));
        let health = Health::new(vec![one.clone(), two.clone()]);
        let said = health.ready().expect_err("starting");
        assert_eq!(said.lines().count(), 2, "{said}");
        one.note_readiness(None);
        two.note_readiness(Some(&NotReady {
            reason: "topic_missing",
            remedy: "create the topic".into(),
        }));
        let said = health.ready().expect_err("one waits");
        assert_eq!(said, "two: topic_missing: create the topic");
        two.note_readiness(None);
        assert_eq!(health.ready(), Ok(()));
        assert_eq!(health.live(), Ok(()));
    }
}
