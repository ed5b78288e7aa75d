//! Which policy each output has, and what the policies hide of one event.

use std::cell::OnceCell;

use super::outputs::OutputList;
use crate::encode;
use crate::event::{AuditEvent, RawRecord};
use crate::privacy::{Hiding, Policies};

/// The policies, by the outputs that they are for.
#[derive(Debug, Clone, Default)]
pub(super) struct Privacy {
    policies: Policies,
    /// The number of the policy of each output, by its place in the list of outputs.
    of_outputs: Vec<Option<usize>>,
}

impl Privacy {
    pub(super) fn new(policies: Policies, outputs: &OutputList) -> Privacy {
        let mut privacy = Privacy {
            policies,
            of_outputs: Vec::new(),
        };
        privacy.find_topics(outputs);
        privacy
    }

    /// Finds the topics among these outputs.
    pub(super) fn find_topics(&mut self, outputs: &OutputList) {
        let outputs = outputs.iter();
        self.of_outputs = outputs
            .map(|output| self.policies.of_topic(&output.topic))
            .collect();
    }

    /// Whether dead letters are sealed.
    pub(super) fn seals_dead_letters(&self) -> bool {
        self.policies.seals_dead_letters()
    }

    /// What is hidden of an event; found out when an output first asks for it.
    pub(super) fn of_event<'p, 'e>(&'p self, event: &'p AuditEvent<'e>) -> HiddenParts<'p, 'e> {
        HiddenParts {
            privacy: self,
            event,
            whole: OnceCell::new(),
            hidings: self
                .policies
                .all()
                .iter()
                .map(|_| OnceCell::new())
                .collect(),
        }
    }
}

/// An event, the record that it came from, and what is hidden of it.
pub(super) struct Processed<'p, 'e, 'r> {
    pub(super) event: &'p AuditEvent<'e>,
    pub(super) record: &'p RawRecord<'r>,
    pub(super) hidden: HiddenParts<'p, 'e>,
}

/// What is hidden of one event, policy by policy.
pub(super) struct HiddenParts<'p, 'e> {
    privacy: &'p Privacy,
    event: &'p AuditEvent<'e>,
    /// The whole event as JSON.
    whole: OnceCell<Vec<u8>>,
    /// By the number of the policy.
    hidings: Vec<OnceCell<Hiding<'p>>>,
}

impl<'p> HiddenParts<'p, '_> {
    /// What an output, by its place in the list of outputs, does not show; `None` if it has no policy.
    pub(super) fn of_output(&self, place: usize) -> Option<&Hiding<'p>> {
        let number = *self.privacy.of_outputs.get(place)?.as_ref()?;
        let policy = self.privacy.policies.all().get(number)?;
        let hiding = self.hidings.get(number)?;
        Some(hiding.get_or_init(|| Hiding::of_event(policy, self.whole())))
    }

    /// The whole event as JSON.
    pub(super) fn whole(&self) -> &[u8] {
        self.whole.get_or_init(|| {
            let mut whole = Vec::new();
            encode::event(self.event, &mut whole);
            whole
        })
    }
}
