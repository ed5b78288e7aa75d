//! The events of a record as the rules see them, for commands that explain what a rule answers.

use std::cell::OnceCell;

use super::batch::Batch;
use super::guard;
use crate::event::{AuditEvent, RawRecord};
use crate::normalize::{Normalized, Within, normalize};

impl Batch {
    /// Visits every event of a record, normalized and with names, in the order in which [`Batch::process`] evaluates
    /// the rules on them. What became a dead letter because it cannot be read has no event.
    pub fn visit_events(&self, record: &RawRecord<'_>, visit: &mut dyn FnMut(&AuditEvent<'_>)) {
        self.visit_within(record, &Within::default(), visit);
    }

    fn visit_within(
        &self,
        record: &RawRecord<'_>,
        within: &Within<'_>,
        visit: &mut dyn FnMut(&AuditEvent<'_>),
    ) {
        let portable = OnceCell::new();
        let (catalogs, memory) = (&self.context.catalogs, Some(&self.documents));
        let normalized = guard::caught(|| normalize(record, &portable, within, catalogs, memory));
        let Some(mut normalized) = normalized else {
            return;
        };
        match &mut normalized {
            Ok(Normalized::Event(event)) => {
                self.enrich(event);
                visit(event);
            }
            Ok(Normalized::Container(container)) => {
                let Ok(within) = container.within(record, within) else {
                    return;
                };
                for text in &container.events {
                    self.visit_within(&container.record_of(record, text), &within, visit);
                }
            }
            Err(_) => {}
        }
    }
}
