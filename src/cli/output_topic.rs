//! The argument that selects one of the output topics.

use clap::ValueEnum;

use crate::pipeline::{Content, OutputList};
use crate::view::RecordKind;

/// One of the output topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputTopic {
    Events,
    Alerts,
    DeadLetters,
}

impl OutputTopic {
    /// What the topic contains.
    pub(super) fn content(self) -> Content {
        match self {
            OutputTopic::Events => Content::Events,
            OutputTopic::Alerts => Content::Alerts,
            OutputTopic::DeadLetters => Content::DeadLetters,
        }
    }

    /// The configured name of the topic.
    pub(super) fn name(self, outputs: &OutputList) -> &str {
        &outputs.of(self.content()).topic
    }

    /// The kind of record that the topic contains.
    pub(super) fn kind(self) -> RecordKind {
        match self {
            OutputTopic::Events => RecordKind::Event,
            OutputTopic::Alerts => RecordKind::Alert,
            OutputTopic::DeadLetters => RecordKind::DeadLetter,
        }
    }
}
