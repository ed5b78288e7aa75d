//! The outputs of a file's events as rows of the archive. A row has the file in place of its topic: in `topic` the hash of
//! the file, in `offset` the number of the event in the file, in `partition` which of the event's outputs it is.
//! Invariant: these three name a row, and are the same whenever the same file is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;

use crate::archive::{Rows, TableKind, with_policy};
use crate::cli::replay::input::InputFile;
use crate::event::{Header, Output, OutputBuffer, Partition, Position, RawRecord};
use crate::pipeline::OutputList;
use crate::privacy::{Policies, Policy};
use crate::query::archive::table_of;
use crate::view::{At, SOURCE_TOPIC};

/// The header of an event with the position of its source record.
const POSITION: &str = "ce_watchbellposition";

/// Makes rows of outputs.
pub(in crate::cli::replay) struct RowMaker {
    /// The table of each topic, and what the archive does not show of the topic.
    topics: HashMap<Arc<str>, (TableKind, Option<Arc<Policy>>)>,
    now_ms: i64,
}

/// The rows of a part of a file.
pub(in crate::cli::replay) struct ArchiveRows {
    pub(super) file: Arc<InputFile>,
    pub(super) tables: BTreeMap<TableKind, Rows>,
    /// The number after that of the last event that was processed, if there is one.
    pub(super) end: Option<i64>,
    /// Whether the file ends there.
    pub(super) is_complete: bool,
}

impl RowMaker {
    pub(super) fn new(outputs: &OutputList, policies: &Policies, now_ms: i64) -> RowMaker {
        let topics = outputs.iter().map(|output| {
            let policy = policies.of_archive(&output.topic).cloned();
            (output.topic.clone(), (table_of(output.content), policy))
        });
        RowMaker {
            topics: topics.collect(),
            now_ms,
        }
    }

    pub(in crate::cli::replay) fn begin(&self, file: &Arc<InputFile>) -> ArchiveRows {
        ArchiveRows {
            file: file.clone(),
            tables: BTreeMap::new(),
            end: None,
            is_complete: false,
        }
    }
}

impl ArchiveRows {
    /// The file has so many events, and all were read.
    pub(in crate::cli::replay) fn end(&mut self, events: i64) {
        (self.end, self.is_complete) = (Some(events), true);
    }

    /// Adds the outputs of the event at this position.
    pub(in crate::cli::replay) fn push(
        &mut self,
        maker: &RowMaker,
        position: Position<'_>,
        outputs: &OutputBuffer,
    ) {
        self.end = Some(position.offset.next().0);
        for output in outputs.iter() {
            let Some((table, policy)) = maker.topics.get(output.topic) else {
                continue;
            };
            let rows = self.tables.entry(*table);
            let rows = rows.or_insert_with(|| Rows::new(*table));
            let source = Source::of(&output, position);
            let partition = Partition(output.part.cast_signed());
            let record = RawRecord {
                position: Position {
                    partition,
                    element: None,
                    ..position
                },
                timestamp_ms: Some(maker.now_ms),
                key: output.key,
                value: output.value,
                headers: source.headers(&output, &self.file.name),
            };
            with_policy(policy.as_deref(), None, record, |emitted| {
                rows.push(emitted)
            });
        }
    }
}

/// Where the event of an output stands in its file, as texts.
struct Source {
    offset: String,
    element: Option<String>,
}

impl Source {
    fn of(output: &Output<'_>, position: Position<'_>) -> Source {
        let own = output.headers().find(|header| header.name == POSITION);
        let own = own.and_then(|header| std::str::from_utf8(header.value?).ok());
        let at: Option<At> = own.and_then(|own| own.parse().ok());
        Source {
            offset: position.offset.0.to_string(),
            element: at.and_then(|at| Some(at.element?.to_string())),
        }
    }

    /// The headers of an output, in which the source is called by the name of the file.
    fn headers<'h>(&'h self, output: &Output<'h>, name: &'h str) -> Vec<Header<'h>> {
        let header = |name: &'h str, value: &'h str| Header {
            name,
            value: Some(value.as_bytes()),
        };
        let mut has_source = false;
        let mut headers: Vec<Header<'h>> = output
            .headers()
            .filter(|own| own.name != POSITION)
            .map(|own| match own.name {
                SOURCE_TOPIC => {
                    has_source = true;
                    header(SOURCE_TOPIC, name)
                }
                _ => own,
            })
            .collect();
        if !has_source {
            headers.push(header(SOURCE_TOPIC, name));
            headers.push(header("watchbell-source-partition", "0"));
            headers.push(header("watchbell-source-offset", &self.offset));
            let element = self.element.as_deref();
            headers.extend(element.map(|element| header("watchbell-source-element", element)));
        }
        headers
    }
}
