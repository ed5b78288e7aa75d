//! The outputs: what each holds, in which topic, and how large its records may be.
//! Invariant: there is one output of alerts, one of dead letters, and at least one of events.

use std::sync::Arc;

/// The largest record that a topic takes by default, in bytes: the broker's `message.max.bytes`.
const DEFAULT_MAX_BYTES: usize = 1_048_588;

/// What the records of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Normalized events.
    Events,
    /// Alerts.
    Alerts,
    /// Records that could not become events.
    DeadLetters,
    /// What was read, as a chain of hashes; only where there is an archive.
    Ledger,
}

impl Content {
    /// Each that is always written, in the order of their declaration.
    pub const ALL: [Content; 3] = [Content::Events, Content::Alerts, Content::DeadLetters];

    /// The output's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Content::Events => "events",
            Content::Alerts => "alerts",
            Content::DeadLetters => "dead_letters",
            Content::Ledger => "ledger",
        }
    }
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTopic {
    /// What it holds.
    pub content: Content,
    /// The name of its topic.
    pub topic: Arc<str>,
    /// The largest record that the topic accepts, in bytes.
    pub max_bytes: usize,
    /// Which of the topics with this content it is.
    pub purpose: Purpose,
}

/// Which of the topics with some content an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// The one that is always there.
    #[default]
    Default,
    /// That of the noise policy. It is left out where the topic does not exist and the configuration does not ask for
    /// it.
    Routine {
        /// Whether the configuration asks for it.
        is_required: bool,
    },
    /// That of a route.
    Route,
}

impl OutputTopic {
    /// Whether it is used only if it exists: the routine topic that the configuration does not ask for.
    pub fn is_optional(&self) -> bool {
        self.purpose == (Purpose::Routine { is_required: false })
    }
}

/// All outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputList(
    /// First those of [`Content::ALL`], in its order.
    Vec<OutputTopic>,
);

impl OutputList {
    /// An output of each kind, by the name of its topic; the topics accept what brokers accept by default.
    pub fn new<T: Into<Arc<str>>>(topic: impl FnMut(Content) -> T) -> OutputList {
        let topics = Content::ALL.map(topic).into_iter();
        let outputs = Content::ALL.into_iter().zip(topics);
        let outputs = outputs.map(|(content, topic)| OutputTopic {
            content,
            topic: topic.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            purpose: Purpose::Default,
        });
        OutputList(outputs.collect())
    }

    /// The same with a further topic of events, unless it is one of them already. A routine topic to which a route
    /// writes is required.
    pub fn with_events(mut self, topic: &str, purpose: Purpose) -> OutputList {
        let known = self.0.iter_mut().find(|output| *output.topic == *topic);
        if let Some(known) = known {
            if known.is_optional() && purpose == Purpose::Route {
                known.purpose = Purpose::Routine { is_required: true };
            }
        } else {
            self.0.push(OutputTopic {
                content: Content::Events,
                topic: topic.into(),
                max_bytes: DEFAULT_MAX_BYTES,
                purpose,
            });
        }
        self
    }

    /// The same with a ledger in this topic.
    pub fn with_ledger<T: Into<Arc<str>>>(mut self, topic: T) -> OutputList {
        self.0.push(OutputTopic {
            content: Content::Ledger,
            topic: topic.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            purpose: Purpose::Default,
        });
        self
    }

    /// The same without the outputs of which `keep` says so. Those of [`Content::ALL`] and the ledger always stay.
    pub fn retained(mut self, keep: impl Fn(&OutputTopic) -> bool) -> OutputList {
        self.0
            .retain(|output| output.purpose == Purpose::Default || keep(output));
        self
    }

    /// The same with the largest record, in bytes, that `max_bytes` gives for each output.
    pub fn limited(mut self, mut max_bytes: impl FnMut(&OutputTopic) -> usize) -> OutputList {
        for output in &mut self.0 {
            output.max_bytes = max_bytes(output);
        }
        self
    }

    /// The output that holds this, one of [`Content::ALL`]; of several the first.
    pub fn of(&self, content: Content) -> &OutputTopic {
        &self.0[content as usize]
    }

    /// The ledger, if there is one.
    pub fn ledger(&self) -> Option<&OutputTopic> {
        self.iter().find(|output| output.content == Content::Ledger)
    }

    /// The output in this topic.
    pub fn in_topic(&self, topic: &str) -> Option<&OutputTopic> {
        self.0.iter().find(|output| &*output.topic == topic)
    }

    /// The place of the output in this topic.
    pub fn place_of(&self, topic: &str) -> Option<usize> {
        self.iter().position(|output| &*output.topic == topic)
    }

    /// The place of the topic of the noise policy.
    pub fn routine(&self) -> Option<usize> {
        let is_routine = |output: &OutputTopic| matches!(output.purpose, Purpose::Routine { .. });
        self.iter().position(is_routine)
    }

    /// The output at a place; the first one beyond the last.
    pub fn at(&self, place: usize) -> &OutputTopic {
        self.0.get(place).unwrap_or(&self.0[0])
    }

    /// Every output.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &OutputTopic> {
        self.0.iter()
    }

    /// The names of their topics.
    pub fn topics(&self) -> Vec<&str> {
        self.iter().map(|output| &*output.topic).collect()
    }

    /// The largest record that every topic accepts, in bytes.
    pub fn smallest_bytes(&self) -> usize {
        let bytes = self.iter().map(|output| output.max_bytes);
        bytes.min().unwrap_or(DEFAULT_MAX_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_found_by_what_it_holds_and_by_its_topic() {
        let outputs = OutputList::new(|content| format!("audit.{}", content.name()));
        for content in Content::ALL {
            let found = outputs.of(content);
            assert_eq!(found.content, content);
            assert_eq!(*found.topic, *format!("audit.{}", content.name()));
            assert_eq!(outputs.in_topic(&found.topic), Some(found));
        }
        assert_eq!(outputs.in_topic("audit"), None);
        assert_eq!(
            outputs.topics(),
            ["audit.events", "audit.alerts", "audit.dead_letters"]
        );
    }

    #[test]
    fn a_routine_topic_to_which_a_route_writes_is_required() {
        let optional = Purpose::Routine { is_required: false };
        let outputs = OutputList::new(Content::name).with_events("routine", optional);
        assert!(outputs.in_topic("routine").unwrap().is_optional());
        let outputs = outputs.with_events("routine", Purpose::Route);
        assert!(!outputs.in_topic("routine").unwrap().is_optional());
        assert_eq!((outputs.iter().len(), outputs.routine()), (4, Some(3)));
    }

    #[test]
    fn there_is_a_ledger_only_where_one_is_named() {
        let outputs = OutputList::new(Content::name);
        assert_eq!(outputs.ledger(), None);
        let outputs = outputs.with_ledger("l").with_events("e", Purpose::Route);
        let outputs = outputs.retained(|_| false);
        assert_eq!(outputs.topics(), ["events", "alerts", "dead_letters", "l"]);
        assert_eq!(outputs.ledger().map(|output| &*output.topic), Some("l"));
    }

    #[test]
    fn the_smallest_limit_is_that_of_any_output() {
        for small in Content::ALL {
            let limit = |output: &OutputTopic| 1_000 - usize::from(output.content == small);
            let outputs = OutputList::new(Content::name).limited(limit);
            assert_eq!(outputs.of(small).max_bytes, 999);
            assert_eq!(outputs.smallest_bytes(), 999);
        }
    }
}
