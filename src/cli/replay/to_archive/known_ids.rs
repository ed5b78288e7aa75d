//! Which events of a chunk are in the archive already, from a topic or from another place of a file. Of the data files of
//! the chunk's days those row groups are read that are of its times, and of them the columns with the id and the
//! position. An event has the same time wherever it was read.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use foldhash::{HashMap, HashMapExt};
use tokio::runtime::Handle;

use super::chunk::{EventKey, FileRows, keys};
use crate::archive::{FileEntry, OpenFile, Table, TableKind, Wanted, day_number};
use crate::query::archive::StoredFile;
use crate::query::parallel::parallel;

/// The columns that are read.
const COLUMNS: [&str; 4] = ["event_id", "topic", "partition", "offset"];

/// How many files are read at the same time: most of the time is spent waiting for the storage.
const READERS: usize = 8;

/// The ids of a chunk's events, and what was found of them in the archive.
pub(super) struct KnownIds<'c> {
    /// The events of the chunk with each id, in their order.
    events: HashMap<&'c str, Vec<EventKey<'c>>>,
    ids: HashMap<EventKey<'c>, &'c str>,
    /// The first and the last time of each day, in microseconds.
    days: BTreeMap<i32, (i64, i64)>,
    /// Data files that were searched.
    searched: HashSet<String>,
    /// The first place in the archive of each id that was found; of several, one that is an event of the chunk.
    found: HashMap<&'c str, Place<'c>>,
}

/// Where an id was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'c> {
    /// It is the id of this event of the chunk, which an earlier attempt has written.
    Own(EventKey<'c>),
    /// It came from elsewhere.
    Foreign,
}

impl<'c> KnownIds<'c> {
    pub(super) fn new(events: Option<&'c FileRows>) -> KnownIds<'c> {
        let mut known = KnownIds {
            events: HashMap::new(),
            ids: HashMap::new(),
            days: BTreeMap::new(),
            searched: HashSet::new(),
            found: HashMap::new(),
        };
        let Some((events, ids)) = events.and_then(|events| Some((events, events.ids()?))) else {
            return known;
        };
        for ((id, key), (day, time)) in ids.iter().zip(events.keys()).zip(events.times()) {
            let Some(id) = id else { continue };
            // An event can have several outputs.
            if known.ids.insert(key, id).is_none() {
                known.events.entry(id).or_default().push(key);
            }
            let (first, last) = known.days.entry(day).or_insert((time, time));
            (*first, *last) = ((*first).min(time), (*last).max(time));
        }
        known
    }

    /// Whether the id of an event is that of another one, which is in the archive or comes before it in the chunk.
    pub(super) fn is_repeated(&self, key: EventKey<'_>) -> bool {
        let Some(id) = self.ids.get(&key) else {
            return false;
        };
        match self.found.get(id) {
            Some(Place::Own(own)) => *own != key,
            Some(Place::Foreign) => true,
            None => {
                let first = self.events.get(id).and_then(|events| events.first());
                first.is_some_and(|first| *first != key)
            }
        }
    }

    /// Searches the files of a snapshot of the table of events that were not searched yet.
    pub(super) fn search(&mut self, table: &Table, handle: &Handle) -> Result<()> {
        let entries = table.entries().into_iter();
        let entries = entries.filter(|entry| self.can_hold(entry));
        let entries: Vec<FileEntry> = entries.collect();
        let found = parallel(READERS, entries.len(), |number| {
            let stored = StoredFile::new(table.reader(), &entries[number], handle);
            self.search_file(&entries[number], &stored)
        })?;
        for (id, place) in found.into_iter().flatten() {
            let known = self.found.entry(id).or_insert(place);
            if *known == Place::Foreign {
                *known = place;
            }
        }
        self.searched
            .extend(entries.into_iter().map(|entry| entry.path));
        Ok(())
    }

    /// Whether a file may have events of the chunk's times, and was not searched yet.
    fn can_hold(&self, entry: &FileEntry) -> bool {
        let Some((first, last)) = self.days.get(&day_number(&entry.day)) else {
            return false;
        };
        let bound = |name: &str| {
            let time = entry.statistics[name]["time"].as_str()?;
            let time: jiff::Timestamp = time.parse().ok()?;
            Some(time.as_microsecond())
        };
        let begins_later = bound("minValues").is_some_and(|least| least > *last);
        let ends_before = bound("maxValues").is_some_and(|greatest| greatest < *first);
        !begins_later && !ends_before && !self.searched.contains(&entry.path)
    }

    /// The ids of the chunk that are in a data file.
    fn search_file(
        &self,
        entry: &FileEntry,
        stored: &StoredFile<'_>,
    ) -> Result<Vec<(&'c str, Place<'c>)>> {
        let mut found = Vec::new();
        let Some((first, last)) = self.days.get(&day_number(&entry.day)) else {
            return Ok(found);
        };
        let file = OpenFile::open(stored)?;
        for group in 0..file.groups() {
            if let Some(Some((least, greatest))) = file.range(group, "time")
                && (least > *last || greatest < *first)
            {
                continue;
            }
            for rows in file.rows(group, Wanted::Columns(&COLUMNS))? {
                let rows = typed(&rows?)?;
                let ids = rows.column(0).as_string::<i32>();
                for (row, key) in keys(&rows)
                    .enumerate()
                    .filter(|(row, _)| ids.is_valid(*row))
                {
                    if let Some((id, events)) = self.events.get_key_value(ids.value(row)) {
                        let own = events.iter().find(|own| **own == key);
                        found.push((*id, own.map_or(Place::Foreign, |own| Place::Own(*own))));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The columns with their types in the table, which another writer may have chosen otherwise.
fn typed(rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = TableKind::Events.schema();
    let columns = COLUMNS.map(|name| {
        let field = schema.field_with_name(name)?.clone();
        let found = rows
            .column_by_name(name)
            .with_context(|| format!("a data file of the table events has no column {name}"))?;
        let column = cast(found, field.data_type())?;
        anyhow::Ok((name, column, true))
    });
    let columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
