//! Who or what an id stands for: names that an operator gives to principals and resources.
//! Pure: the file is read, and read again, by others. A set is whole or it is not made.

use std::collections::hash_map::Entry as Slot;

use foldhash::HashMap;
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::json::{Phrase, Written};
use crate::yaml::{self, Entry, Reader};

/// What is said of an id; the columns of a CSV file are `id` and these.
const KEYS: [&str; 5] = ["name", "owner", "team", "kind", "environment"];

/// Who acts through an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person.
    Human,
    /// A program.
    Service,
}

/// What an id stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// What people call it.
    pub name: Phrase,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Phrase>,
    /// The team that answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Phrase>,
    /// Where it belongs, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Phrase>,
    /// Whether a person or a program acts through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

/// A named id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What it stands for.
    pub facts: Facts,
    /// The same as a JSON object, written once for all events that say it.
    pub json: Written,
}

/// Names by id. Events only look ids up, so a hash that is made for speed is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    by_id: HashMap<String, Name>,
}

impl Names {
    /// Reads a map from id to name; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// Everything wrong in it.
    pub fn parse_yaml(text: &str, file: &str) -> Result<Names, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let mut by_id = HashMap::default();
        match yaml::document(text) {
            Ok(root) => {
                for entry in reader.map(&root) {
                    by_id.insert(entry.key.clone(), yaml_facts(&mut reader, entry));
                }
            }
            Err(problem) => reader.report(problem),
        }
        finish(by_id, reader, file)
    }

    /// Reads CSV with a header; `id` and `name` are required, the other columns may be absent and
    /// their cells empty. `file` is its name in diagnostics.
    ///
    /// # Errors
    /// Everything wrong in it, up to a fault in the CSV itself.
    pub fn parse_csv(text: &str, file: &str) -> Result<Names, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let mut rows = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let by_id = match rows.headers().cloned() {
            Ok(header) => csv_facts(&mut reader, text, &header, &mut rows),
            Err(error) => {
                reader.report(csv_problem(text, &error));
                HashMap::default()
            }
        };
        finish(by_id, reader, file)
    }

    /// What an id stands for. Ids are compared exactly.
    pub fn lookup(&self, id: &str) -> Option<&Name> {
        self.by_id.get(id)
    }

    /// How many ids have a name.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no id has a name.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

fn finish(
    by_id: HashMap<String, Facts>,
    reader: Reader,
    file: &str,
) -> Result<Names, Vec<Diagnostic>> {
    if reader.is_content() {
        let named = |(id, facts)| (id, name(facts));
        Ok(Names {
            by_id: by_id.into_iter().map(named).collect(),
        })
    } else {
        Err(reader.into_diagnostics(file))
    }
}

fn name(facts: Facts) -> Name {
    let json = Written::of(&facts);
    Name { facts, json }
}

fn yaml_facts(reader: &mut Reader, entry: &Entry) -> Facts {
    let mut facts = Facts::default();
    if entry.key.trim().is_empty() {
        reader.report(Problem::error(entry.key_mark, "an empty id"));
    }
    for Entry { key, node, .. } in reader.map_of(&entry.node, &KEYS) {
        if let Some(text) = reader.text(node) {
            set(reader, &mut facts, key, text, node.mark);
        }
    }
    if entry.node.as_map().is_some() && entry.node.entry("name").is_none() {
        let message = format!("`{}` has no `name`", entry.key);
        reader.report(Problem::error(entry.key_mark, message));
    }
    facts
}

/// Keys that are none of [`KEYS`] have been reported before.
fn set(reader: &mut Reader, facts: &mut Facts, key: &str, text: &str, mark: Mark) {
    let value = text.into();
    match key {
        "name" => facts.name = value,
        "owner" => facts.owner = Some(value),
        "team" => facts.team = Some(value),
        "environment" => facts.environment = Some(value),
        "kind" => {
            let kinds = [("human", Kind::Human), ("service", Kind::Service)];
            facts.kind = reader.word(text, mark, "kind", kinds);
        }
        _ => {}
    }
}

fn csv_facts(
    reader: &mut Reader,
    text: &str,
    header: &csv::StringRecord,
    rows: &mut csv::Reader<&[u8]>,
) -> HashMap<String, Facts> {
    let mut by_id = HashMap::default();
    let mut lines: HashMap<String, u32> = HashMap::default();
    if !check_header(reader, header) {
        return by_id;
    }
    for row in rows.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                reader.report(csv_problem(text, &error));
                continue;
            }
        };
        let mark = row
            .position()
            .map_or(Mark::START, |at| mark_at(text, at.byte()));
        let mut facts = Facts::default();
        let mut id = "";
        for (key, cell) in header.iter().zip(&row) {
            match (key, cell) {
                ("id" | "name", "") => {
                    reader.report(Problem::error(mark, format!("the `{key}` is empty")));
                }
                (_, "") => {}
                ("id", cell) => id = cell,
                (key, cell) => set(reader, &mut facts, key, cell, mark),
            }
        }
        match lines.entry(id.to_owned()) {
            Slot::Occupied(first) if !id.is_empty() => {
                let message = format!("`{id}` is already on line {}", first.get());
                reader.report(Problem::error(mark, message));
            }
            Slot::Occupied(_) => {}
            Slot::Vacant(free) => {
                free.insert(mark.line);
            }
        }
        by_id.insert(id.to_owned(), facts);
    }
    by_id
}

/// Whether the header lets the rows be read.
fn check_header(reader: &mut Reader, header: &csv::StringRecord) -> bool {
    let known = || std::iter::once("id").chain(KEYS).map(|key| (key, ()));
    for (index, column) in header.iter().enumerate() {
        reader.word(column, Mark::START, "column", known());
        if header.iter().take(index).any(|earlier| earlier == column) {
            let message = format!("a second column `{column}`");
            reader.report(Problem::error(Mark::START, message));
        }
    }
    for required in ["id", "name"] {
        if !header.iter().any(|column| column == required) {
            let message = format!("the header has no column `{required}`");
            reader.report(Problem::error(Mark::START, message));
        }
    }
    reader.is_content()
}

fn csv_problem(text: &str, error: &csv::Error) -> Problem {
    let mark = error
        .position()
        .map_or(Mark::START, |at| mark_at(text, at.byte()));
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells where the header has {expected_len}"),
        _ => format!("not readable as CSV: {error}"),
    };
    Problem::error(mark, message)
}

/// The line of a row. The reader's own position lies before the empty lines that it skips.
fn mark_at(text: &str, byte: u64) -> Mark {
    let bytes = text.as_bytes();
    let start = usize::try_from(byte).map_or(bytes.len(), |byte| byte.min(bytes.len()));
    let (before, rest) = bytes.split_at(start);
    let skipped = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    let newlines = before
        .iter()
        .chain(skipped)
        .filter(|b| **b == b'\n')
        .count();
    Mark {
        line: u32::try_from(newlines + 1).unwrap_or(u32::MAX),
        column: 1,
    }
}

#[cfg(test)]
mod tests;
