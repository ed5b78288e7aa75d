//! The partition becomes ours, or its topic turns out to be another one.

use super::clock::Backlog;
use super::{Loop, Ours};
use crate::event::NextOffset;
use crate::kafka::follow::{Assigned, Changed};
use crate::notify::note::Note;
use crate::notify::queue::Queue;
use crate::roles::clock::now_ms;

impl Loop<'_> {
    /// The partition is ours from a position on.
    pub(super) fn begin(&mut self, assigned: &Assigned) {
        let Assigned { from, changed, .. } = *assigned;
        self.say_expired(assigned.expired);
        let mut note = Note::from_text(&assigned.note, from.0);
        if let Some(changed) = changed {
            self.say_changed(changed);
            if !changed.kept {
                note = Note::default();
            }
            note.cut(changed.first_new.0);
        }
        let settled = note.settled.clone();
        self.standing
            .read_back(self.handle, self.sink, from, settled);
        self.ours = Some(Ours {
            partition: assigned.partition,
            queue: Queue::resume(self.sink.pacing, from, note),
            backlog: self.backlog(assigned.end, assigned.first),
        });
        self.trouble = None;
        self.uncommitted |= changed.is_some();
        tracing::info!(sink = self.sink.name, from = from.0, "telling a sink");
    }

    fn backlog(&self, end: NextOffset, first: bool) -> Backlog {
        Backlog::new(end.0, first, self.clock.now(), now_ms())
    }

    pub(super) fn say_expired(&self, expired: u64) {
        if expired > 0 {
            tracing::error!(
                sink = self.sink.name,
                expired,
                "alerts expired before this sink was told of them"
            );
        }
    }

    /// The topic lost records, or is another one, while the partition was ours. What waits in memory is
    /// told all the same.
    pub(super) fn changed(&mut self, changed: Changed, end: NextOffset) {
        self.say_changed(changed);
        let now = self.clock.now();
        let lost = self.letters.cut(changed.first_new.0, changed.kept);
        if lost > 0 {
            tracing::error!(
                sink = self.sink.name,
                lost,
                "alerts that were to become dead letters are gone with the topic"
            );
        }
        let backlog = self.backlog(end, false);
        if let Some(ours) = &mut self.ours {
            ours.queue.cut(changed.first_new, changed.kept, now);
            ours.backlog = backlog;
        }
        self.trouble = None;
        self.uncommitted = true;
    }

    fn say_changed(&self, changed: Changed) {
        let sink = &self.sink.name;
        let from = changed.first_new.0;
        match changed.kept {
            true => tracing::error!(
                sink,
                from,
                "the alerts topic was cut short; the sink is told of what is new in it from here"
            ),
            false => tracing::error!(
                sink,
                from,
                "the alerts topic was created anew; the sink is told of all that is in it"
            ),
        }
    }
}
