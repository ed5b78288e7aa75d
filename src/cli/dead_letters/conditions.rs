//! The options of `dead-letters` that say which dead letters are meant.

use clap::Args;

use crate::cli::say::say;
use crate::config::Config;
use crate::pipeline::Content;
use crate::query::{DeadLetterChoice, PastTime};
use crate::view::At;

/// The conditions that dead letters meet.
#[derive(Debug, Args)]
pub(super) struct Conditions {
    /// Only dead letters that were written since this time: a duration before now, such as 12h or 7d, or a time.
    #[arg(long, value_name = "TIME")]
    since: Option<PastTime>,
    /// Only dead letters that were written before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<PastTime>,
    /// Only dead letters with this reason, such as not_json; may be given several times.
    #[arg(long, value_name = "REASON")]
    reason: Vec<String>,
    /// Only dead letters of this source, or of the topic with this name.
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
}

impl Conditions {
    /// The dead letters that meet the conditions, at these positions if there are any.
    pub(super) fn choice(&self, config: &Config, positions: &[At]) -> DeadLetterChoice {
        DeadLetterChoice {
            positions: positions.to_vec(),
            since: self.since,
            until: self.until,
            reasons: self.reason.clone(),
            source_topic: self.source.as_ref().map(|name| topic_of(config, name)),
        }
    }
}

/// The topic of the source with this name; any other name is that of a topic.
fn topic_of(config: &Config, name: &str) -> String {
    let mut sources = config.sources.iter();
    if let Some(source) = sources.find(|source| source.name == name) {
        return source.topic.clone();
    }
    let is_source = config.sources.iter().any(|source| source.topic == name);
    if !is_source && name != &*config.outputs.of(Content::Alerts).topic {
        say(format_args!(
            "--source {name}: the configuration has no such source; taken for the name of a topic"
        ));
    }
    name.to_owned()
}
