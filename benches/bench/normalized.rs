//! Events and alerts of a busy organization as ingest writes them: what the archive and the page read.

use watchbell::event::{Output, OutputBuffer, OutputRecord, RawRecord};
use watchbell::pipeline::Content;

use crate::corpus::Corpus;
use crate::pipeline::pipeline;
use crate::{enrichment, packs};

/// Normalizes records of a busy organization, as they stand in the events topic, without rules.
pub fn outputs(corpus: &mut Corpus, events: usize, each: &mut dyn FnMut(i64, Output<'_>)) {
    let pipeline = pipeline(&[], enrichment::names());
    let (mut out, batch) = (OutputBuffer::default(), pipeline.begin());
    for _ in 0..events {
        let value = corpus.next();
        let record = RawRecord::of_value("source", value.as_bytes());
        batch.process(&record, corpus.time_ms(), &mut out);
        for output in out.iter() {
            each(corpus.time_ms(), output);
        }
        out.clear();
    }
}

/// The first so many alerts of a busy organization, as they stand in the alerts topic.
pub fn alerts(corpus: &mut Corpus, count: usize) -> Vec<OutputRecord> {
    let pipeline = pipeline(&packs(), enrichment::names());
    let (mut out, batch, mut alerts) = (OutputBuffer::default(), pipeline.begin(), Vec::new());
    while alerts.len() < count {
        let value = corpus.next();
        let record = RawRecord::of_value("source", value.as_bytes());
        batch.process(&record, corpus.time_ms(), &mut out);
        let outputs = out.to_records().into_iter();
        alerts.extend(outputs.filter(|output| &*output.topic == Content::Alerts.name()));
        out.clear();
    }
    alerts.truncate(count);
    alerts
}
