//! `show`: one event, alert or dead letter, found by its id or by where it stands, with the alerts
//! that an event raised and the event behind an alert.

mod search;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::{Context, anyhow};
use clap::Args;
use jiff::Timestamp;

use self::search::Searched;
use super::asked::{self, Output, Since};
use super::config_file::ConfigFile;
use super::failure::Failure;
use super::json_line::json_line;
use super::say::say;
use crate::config::Config;
use crate::event::{NextOffset, Offset, Partition, RawRecord};
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{ReadError, TopicReader};
use crate::kafka::{Span, Stored};
use crate::view::{
    At, Emitted, Kind, Paint, Reference, heading, line, page, printable, source_ids,
};

/// An event and its alerts are written in one transaction: so far apart may their timestamps be.
const APART_MS: i64 = 60_000;

/// No more records are looked through for what belongs to the one that is shown.
const RELATED: u64 = 200_000;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The id of an event or alert, or topic/partition@offset: of an output, or of the source's
    /// record that became it.
    #[arg(value_name = "ID")]
    reference: Reference,
    #[command(flatten)]
    config: ConfigFile,
    /// Look for an id only among what was written since then: how long ago, such as 12h, or when.
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Print the record alone, as one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let show = Show {
        config: &config,
        since: command.since,
        stop: asked::until_asked_to_stop()?,
    };
    let found = show.find(&command.reference).map_err(of_destination)?;
    let emitted = Emitted::new(found.record());
    let text = if command.json {
        json_line(&emitted) + "\n"
    } else {
        let paint = asked::paint();
        let related = show.related(&emitted, paint).map_err(of_destination)?;
        page(&emitted, paint) + &related
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// An error of reading a topic says whose it is.
fn of_destination(error: anyhow::Error) -> anyhow::Error {
    if error.is::<ReadError>() {
        return error.context("the destination");
    }
    error
}

struct Show<'c> {
    config: &'c Config,
    since: Option<Since>,
    stop: Shutdown,
}

impl Show<'_> {
    fn find(&self, reference: &Reference) -> anyhow::Result<Stored> {
        match reference {
            Reference::Id(id) => self.by_id(id),
            Reference::At(at) if self.config.outputs.in_topic(&at.topic).is_some() => {
                let reader = asked::reader(self.config, &at.topic)?;
                self.record_at(&reader, at)
            }
            Reference::At(at) => self.by_source(at),
        }
    }

    fn by_id(&self, id: &str) -> anyhow::Result<Stored> {
        let has_id = |emitted: &Emitted<'_>| {
            let is_it = emitted.id().is_some_and(|found| found == id);
            is_it || emitted.kind == Kind::DeadLetter && mentions(emitted, id)
        };
        let what = format!("nothing with the id {}", printable(id));
        self.search(&what, &has_id)
    }

    /// The output of a record of the source: by the id that the record has, else by its place.
    fn by_source(&self, at: &At) -> anyhow::Result<Stored> {
        let topics = self.config.outputs.topics().join(", ");
        let sources = self.config.sources.iter();
        let sources: Vec<_> = sources.filter(|source| source.topic == at.topic).collect();
        if sources.is_empty() {
            let topic = &at.topic;
            return Err(anyhow!(
                "{topic} is neither the topic of a source nor one of {topics}"
            ));
        }
        let mut ids = BTreeSet::new();
        for source in sources {
            let reader = asked::reader_of(&source.cluster, self.config, &source.topic);
            match reader
                .map_err(anyhow::Error::from)
                .and_then(|r| self.record_at(&r, at))
            {
                Ok(record) => ids.extend(source_ids(&record.record())),
                // Its output may be there when it is gone.
                Err(error) => say(format_args!("source {}: {error}", source.name)),
            }
        }
        let became = |emitted: &Emitted<'_>| {
            let by_id = emitted.kind == Kind::Event
                && emitted.id().is_some_and(|id| ids.contains(id.as_ref()));
            by_id || emitted.source_position().as_ref() == Some(at)
        };
        self.search(&format!("nothing that was read at {at}"), &became)
    }

    /// Looks through all output topics by turns.
    fn search(&self, what: &str, wanted: &dyn Fn(&Emitted<'_>) -> bool) -> anyhow::Result<Stored> {
        let mut topics = Vec::new();
        for topic in self.config.outputs.topics() {
            let reader = asked::reader(self.config, topic)?;
            match self.spans(&reader) {
                Ok(spans) => topics.push(Searched::new(reader, spans)),
                Err(error @ ReadError::Missing(_)) => say(error),
                Err(error) => return Err(error.into()),
            }
        }
        if topics.is_empty() {
            return Err(anyhow!("none of the output topics can be looked through"));
        }
        if let Some(found) = search::newest(&mut topics, &self.stop, wanted)? {
            return Ok(found);
        }
        let looked: Vec<String> = topics.iter().map(Searched::described).collect();
        let looked = looked.join("; ");
        if self.stop.is_requested() {
            return Err(anyhow!("asked to stop after {looked}"));
        }
        let since = self.since.map(|since| format!(" since {since}"));
        let since = since.unwrap_or_default();
        Err(anyhow!("{what} among what was written{since}: {looked}"))
    }

    /// What a topic holds, as far back as it is to be searched.
    fn spans(&self, reader: &TopicReader) -> Result<Vec<Span>, ReadError> {
        let spans = asked::spans(reader)?;
        match self.since {
            Some(since) => reader.since(&spans, since.time_ms(Timestamp::now())),
            None => Ok(spans),
        }
    }

    fn record_at(&self, reader: &TopicReader, at: &At) -> anyhow::Result<Stored> {
        let spans = asked::spans(reader)?;
        let count = spans.len();
        let span = spans.iter().find(|span| span.partition.0 == at.partition);
        let span = span.with_context(|| format!("{}: there are {count} partitions", at.topic))?;
        let (from, to) = (span.from.0, span.to.0);
        if !(from..to).contains(&at.offset) {
            return Err(anyhow!(
                "nothing at {at}: the partition holds {from} to before {to}"
            ));
        }
        let only = Span {
            partition: Partition(at.partition),
            from: Offset(at.offset),
            to: NextOffset(at.offset + 1),
        };
        let mut found = None;
        reader.read(&[only], &|| self.stop.is_requested(), &mut |record| {
            found = Some(Stored::from(record));
            ControlFlow::Break(())
        })?;
        found.with_context(|| {
            format!(
                "no record at {at}: a transaction's marker, or a record of an aborted transaction"
            )
        })
    }

    /// What belongs to the record and is not in it.
    fn related(&self, emitted: &Emitted<'_>, paint: Paint) -> anyhow::Result<String> {
        let record = &emitted.record;
        let Some(written_ms) = record.timestamp_ms else {
            return Ok(String::new());
        };
        match emitted.kind {
            Kind::Event => {
                let Some(id) = emitted.id() else {
                    return Ok(String::new());
                };
                let about = |alert: &Emitted<'_>| alert.related_events().iter().any(|e| *e == id);
                let alerts = self.near(Output::Alerts, written_ms, None, &about)?;
                let mut text = String::new();
                if !alerts.is_empty() {
                    text.push_str(&heading("Alerts raised by it", paint));
                }
                for alert in &alerts {
                    let alert = Emitted::new(alert.record());
                    text.push_str(&format!("  {}\n", line(&alert, paint)));
                    if let Some(id) = alert.id() {
                        text.push_str(&format!("    alert id {}\n", printable(&id)));
                    }
                }
                Ok(text)
            }
            Kind::Alert if !emitted.holds_its_event() => {
                let ids = emitted.related_events();
                let behind = |event: &Emitted<'_>| {
                    event
                        .id()
                        .is_some_and(|id| ids.iter().any(|wanted| *wanted == id))
                };
                let until = Some(written_ms + APART_MS);
                let events = self.near(Output::Events, written_ms, until, &behind)?;
                let mut text = String::new();
                for event in &events {
                    text.push_str(&heading("The event behind it", paint));
                    text.push_str(&page(&Emitted::new(event.record()), paint));
                }
                Ok(text)
            }
            _ => Ok(String::new()),
        }
    }

    /// The wanted records of a topic from shortly before a time on, in their order.
    fn near(
        &self,
        output: Output,
        written_ms: i64,
        until_ms: Option<i64>,
        wanted: &dyn Fn(&Emitted<'_>) -> bool,
    ) -> anyhow::Result<Vec<Stored>> {
        let reader = asked::reader(self.config, output.topic(&self.config.outputs))?;
        let all = match asked::spans(&reader) {
            Err(error @ ReadError::Missing(_)) => {
                say(error);
                return Ok(Vec::new());
            }
            spans => spans?,
        };
        let mut spans = reader.since(&all, written_ms - APART_MS)?;
        if let Some(until_ms) = until_ms {
            let after = reader.since(&all, until_ms)?;
            for (span, after) in spans.iter_mut().zip(after) {
                span.to = NextOffset(after.from.0.max(span.from.0));
            }
        }
        let mut looked_at = 0;
        let mut found = Vec::new();
        reader.read(
            &spans,
            &|| self.stop.is_requested(),
            &mut |record: &RawRecord<'_>| {
                looked_at += 1;
                if wanted(&Emitted::new(record.clone())) {
                    found.push(Stored::from(record));
                }
                if looked_at < RELATED {
                    return ControlFlow::Continue(());
                }
                say(format_args!(
                    "looked at the {RELATED} records of {} after it only",
                    reader.topic()
                ));
                ControlFlow::Break(())
            },
        )?;
        found.sort_by_key(Stored::order);
        Ok(found)
    }
}

/// Whether the text of a dead letter has the id in it.
fn mentions(emitted: &Emitted<'_>, id: &str) -> bool {
    let value = emitted.record.value.unwrap_or_default();
    !id.is_empty() && String::from_utf8_lossy(value).contains(id)
}
