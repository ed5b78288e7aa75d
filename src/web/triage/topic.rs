//! The topic of triage, and what it holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::known::Taken;
use crate::config::Config;
use crate::event::Offset;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Cluster, Span};

/// What the topic holds from an offset on: its only partition.
pub(super) fn from(offset: i64, spans: &[Span]) -> Vec<Span> {
    let first = spans.iter().filter(|span| span.partition.0 == 0);
    let later = first.map(|span| Span {
        from: Offset(span.from.0.max(offset)),
        ..*span
    });
    later.collect()
}

/// Where the topic ends.
pub(super) fn end(spans: &[Span]) -> i64 {
    let ends = from(0, spans).into_iter().map(|span| span.to.0);
    ends.max().unwrap_or_default()
}

/// The records of these spans.
pub(super) fn read(
    reader: &TopicReader,
    spans: &[Span],
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Taken>, ReadError> {
    let mut records = Vec::new();
    reader.read(spans, stop, &mut |record| {
        records.push(Taken::of(record));
        ControlFlow::Continue(())
    })?;
    Ok(records)
}

/// Where the topic is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) cluster: Cluster,
    pub(super) group: String,
    pub(super) topic: Arc<str>,
}

impl Place {
    pub(super) fn of(config: &Config) -> Place {
        Place {
            cluster: config.destination.clone(),
            group: config.session.group.clone(),
            topic: config.triage_topic.as_str().into(),
        }
    }
}
