//! `replay`: files through the pipeline with what ships in the binary, and the result to standard
//! output. All cores work, and the output has the order of the input.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::Failure;
use crate::event::{Offset, OutputRecord, Partition, Position, RawRecord};
use crate::files::{self, base64};
use crate::pipeline::{self, Catalog, Names, Outcome, Pipeline, Settings, Topics};
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource};

/// Events that are in work at a time.
const BATCH: usize = 65_536;

/// Events that one thread takes at a time.
const CHUNK: usize = 1_024;

/// No broker sets a limit here: what is larger than 10 MiB is slimmed or cut.
const MAX_MESSAGE_BYTES: usize = 10 << 20;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Files of JSON, JSON arrays or NDJSON, plain or gzip.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What to print: whole records, or only the values of one topic.
    #[arg(long, value_enum, default_value_t = Emit::All)]
    emit: Emit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    All,
    Events,
    Alerts,
    DeadLetters,
}

#[derive(Debug, Default)]
struct Summary {
    events: u64,
    alerts: u64,
    dead_letters: BTreeMap<&'static str, u64>,
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Event { alerts, .. } => {
                self.events += 1;
                self.alerts += alerts.len() as u64;
            }
            Outcome::DeadLetter { reason } => *self.dead_letters.entry(reason).or_default() += 1,
        }
    }

    fn add(&mut self, other: Summary) {
        self.events += other.events;
        self.alerts += other.alerts;
        for (reason, count) in other.dead_letters {
            *self.dead_letters.entry(reason).or_default() += count;
        }
    }

    fn print(&self) {
        let dead: u64 = self.dead_letters.values().sum();
        let (events, alerts) = (self.events, self.alerts);
        eprintln!("{events} events, {alerts} alerts, {dead} dead letters");
        for (reason, count) in &self.dead_letters {
            eprintln!("  {reason}: {count}");
        }
    }
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let topics = Topics {
        events: "watchbell.events".into(),
        alerts: "watchbell.alerts".into(),
        dead_letters: "watchbell.dead-letters".into(),
    };
    let pipeline = shipped(topics.clone())?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut summary = Summary::default();
    for path in &command.files {
        let name = path.display().to_string();
        let content = std::fs::read(path).with_context(|| format!("read {name}"))?;
        let text = files::decompress(content).with_context(|| format!("decompress {name}"))?;
        let emit = Emitter {
            what: command.emit,
            topics: &topics,
        };
        match replay(&name, &text, &pipeline, &emit, &mut out, &mut summary) {
            // Whoever reads has had enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            result => result.context("write to standard output")?,
        }
    }
    summary.print();
    Ok(())
}

/// The pipeline with the catalogue and the rules in the binary, and no names.
pub(super) fn shipped(topics: Topics) -> Result<Pipeline, Failure> {
    let catalog = Catalog::shipped().map_err(Failure::configuration)?;
    let sources = [RuleSource::Pack("confluent".to_owned())];
    let overrides = Overrides::default();
    let rules = RuleSet::load(
        &sources,
        &pipeline::known(&catalog),
        &overrides,
        &pipeline::Path::parse,
    )
    .map_err(Failure::configuration)?;
    let settings = Settings {
        topics,
        max_message_bytes: MAX_MESSAGE_BYTES,
    };
    Ok(Pipeline::new(
        settings,
        Arc::new(catalog),
        Arc::new(CurrentRules::new(rules)),
        Arc::new(ArcSwap::from_pointee(Names::default())),
    ))
}

fn replay(
    name: &str,
    text: &[u8],
    pipeline: &Pipeline,
    emit: &Emitter<'_>,
    out: &mut impl Write,
    summary: &mut Summary,
) -> io::Result<()> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let numbered: Vec<(i64, &[u8])> = (0..).zip(files::events(name, text)).collect();
    for batch in numbered.chunks(BATCH) {
        let done: Vec<io::Result<(Vec<u8>, Summary)>> = batch
            .par_chunks(CHUNK)
            .map_with(pipeline.clone(), |pipeline, chunk| {
                let (mut lines, mut summary) = (Vec::new(), Summary::default());
                let mut records = Vec::new();
                for (number, value) in chunk {
                    let record = RawRecord {
                        position: Position {
                            topic: name,
                            partition: Partition(0),
                            offset: Offset(*number),
                        },
                        timestamp_ms: None,
                        key: None,
                        value: Some(value),
                        headers: Vec::new(),
                    };
                    summary.count(&pipeline.process(&record, now_ms, &mut records));
                    for record in records.drain(..) {
                        emit.write(&record, &mut lines)?;
                    }
                }
                Ok((lines, summary))
            })
            .collect();
        for done in done {
            let (lines, counted) = done?;
            summary.add(counted);
            out.write_all(&lines)?;
        }
    }
    out.flush()
}

struct Emitter<'t> {
    what: Emit,
    topics: &'t Topics,
}

impl Emitter<'_> {
    fn write(&self, record: &OutputRecord, out: &mut Vec<u8>) -> io::Result<()> {
        let topic = match self.what {
            Emit::All => return write_record(record, out),
            Emit::Events => &self.topics.events,
            Emit::Alerts => &self.topics.alerts,
            Emit::DeadLetters => &self.topics.dead_letters,
        };
        if record.topic != *topic {
            return Ok(());
        }
        let value = record.value.as_deref().unwrap_or_default();
        if files::is_json(value) {
            out.extend_from_slice(&files::on_one_line(value));
        } else {
            out.extend_from_slice(value);
        }
        out.push(b'\n');
        Ok(())
    }
}

/// `{"topic","key","headers","value"}`; bytes that are not UTF-8 as `…_base64`.
fn write_record(record: &OutputRecord, out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(b"{\"topic\":");
    serde_json::to_writer(&mut *out, &*record.topic)?;
    out.push(b',');
    write_bytes("key", record.key.as_deref(), out)?;
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|(name, value)| match value.as_deref() {
            None => (name.to_string(), Value::Null),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => (name.to_string(), text.into()),
                Err(_) => (format!("{name}_base64"), base64::encode(bytes).into()),
            },
        })
        .collect();
    out.extend_from_slice(b",\"headers\":");
    serde_json::to_writer(&mut *out, &headers)?;
    out.push(b',');
    match record.value.as_deref() {
        Some(json) if files::is_json(json) => {
            out.extend_from_slice(b"\"value\":");
            out.extend_from_slice(&files::on_one_line(json));
        }
        other => write_bytes("value", other, out)?,
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn write_bytes(name: &str, bytes: Option<&[u8]>, out: &mut Vec<u8>) -> io::Result<()> {
    match bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
        None => write!(out, "\"{name}\":null"),
        Some(Ok(text)) => {
            write!(out, "\"{name}\":")?;
            Ok(serde_json::to_writer(out, text)?)
        }
        Some(Err(bytes)) => write!(out, "\"{name}_base64\":\"{}\"", base64::encode(bytes)),
    }
}
