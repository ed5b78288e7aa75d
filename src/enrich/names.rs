//! The names file: names, owners and teams that an operator gives to ids of principals and resources.
//! Parses text only; other modules read and reload the file. A file with an error gives no names.

use std::collections::hash_map::Entry as Slot;

use foldhash::HashMap;
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::json::{Phrase, Written};
use crate::yaml::{self, Entry, YamlReader};

/// The keys of an entry; the columns of a CSV file are `id` and these.
const KEYS: [&str; 5] = ["name", "owner", "team", "kind", "environment"];

/// Whether a principal is a person or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A person.
    Human,
    /// A program.
    Service,
}

/// The entry of an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NameEntry {
    /// The name to show.
    pub name: Phrase,
    /// The person or address that is responsible for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Phrase>,
    /// The team that is responsible for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Phrase>,
    /// The environment to which it belongs, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Phrase>,
    /// Whether it is a person or a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<PrincipalKind>,
}

/// A named id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its entry.
    pub facts: NameEntry,
    /// The same as a JSON object, serialized once for all events.
    pub json: Written,
}

/// Names by id. Events only look up ids and insert none, so a fast hash without protection is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    by_id: HashMap<String, Name>,
}

impl Names {
    /// Reads a map from id to name; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse_yaml(text: &str, file: &str) -> Result<Names, Vec<Diagnostic>> {
        let mut reader = YamlReader::default();
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
    /// All problems of the file, up to an error in the CSV itself.
    pub fn parse_csv(text: &str, file: &str) -> Result<Names, Vec<Diagnostic>> {
        let mut reader = YamlReader::default();
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

    /// The entry of an id. Ids are compared exactly.
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
    by_id: HashMap<String, NameEntry>,
    reader: YamlReader,
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

fn name(facts: NameEntry) -> Name {
    let json = Written::of(&facts);
    Name { facts, json }
}

fn yaml_facts(reader: &mut YamlReader, entry: &Entry) -> NameEntry {
    let mut facts = NameEntry::default();
    if entry.key.trim().is_empty() {
        let problem = Problem::error(entry.key_mark, "an empty id");
        reader.report(problem.remedy("write the id of a principal or a resource"));
    }
    for Entry { key, node, .. } in reader.map_of(&entry.node, &KEYS) {
        if let Some(text) = reader.text(node) {
            set(reader, &mut facts, key, text, node.mark);
        }
    }
    if entry.node.as_map().is_some() && entry.node.entry("name").is_none() {
        let message = format!("`{}` has no `name`", entry.key);
        let problem = Problem::error(entry.key_mark, message);
        reader.report(problem.remedy("write `name:` and what people call it"));
    }
    facts
}

/// Sets one key; unknown keys have been reported before.
fn set(reader: &mut YamlReader, facts: &mut NameEntry, key: &str, text: &str, mark: Mark) {
    let value = text.into();
    match key {
        "name" => facts.name = value,
        "owner" => facts.owner = Some(value),
        "team" => facts.team = Some(value),
        "environment" => facts.environment = Some(value),
        "kind" => {
            let kinds = [
                ("human", PrincipalKind::Human),
                ("service", PrincipalKind::Service),
            ];
            facts.kind = reader.word(text, mark, "kind", kinds);
        }
        _ => {}
    }
}

fn csv_facts(
    reader: &mut YamlReader,
    text: &str,
    header: &csv::StringRecord,
    rows: &mut csv::Reader<&[u8]>,
) -> HashMap<String, NameEntry> {
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
        let mut facts = NameEntry::default();
        let mut id = "";
        for (key, cell) in header.iter().zip(&row) {
            match (key, cell) {
                ("id" | "name", "") => {
                    let problem = Problem::error(mark, format!("the `{key}` is empty"));
                    reader.report(problem.remedy("write it, or remove the line"));
                }
                (_, "") => {}
                ("id", cell) => id = cell,
                (key, cell) => set(reader, &mut facts, key, cell, mark),
            }
        }
        match lines.entry(id.to_owned()) {
            Slot::Occupied(first) if !id.is_empty() => {
                let message = format!("`{id}` is already on line {}", first.get());
                let problem = Problem::error(mark, message);
                reader.report(problem.remedy("keep one of the two lines"));
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

/// Whether the header is correct, so that the rows can be read.
fn check_header(reader: &mut YamlReader, header: &csv::StringRecord) -> bool {
    let known = || std::iter::once("id").chain(KEYS).map(|key| (key, ()));
    for (index, column) in header.iter().enumerate() {
        reader.word(column, Mark::START, "column", known());
        if header.iter().take(index).any(|earlier| earlier == column) {
            let message = format!("a second column `{column}`");
            let problem = Problem::error(Mark::START, message);
            reader.report(problem.remedy("remove one of the two"));
        }
    }
    for required in ["id", "name"] {
        if !header.iter().any(|column| column == required) {
            let message = format!("the header has no column `{required}`");
            let remedy = format!("begin the file with a line such as `id,{}`", KEYS.join(","));
            reader.report(Problem::error(Mark::START, message).remedy(remedy));
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
        _ => "not readable as CSV".to_owned(),
    };
    let remedy =
        "write as many cells as the header has; quote a cell that contains a comma or a quote";
    Problem::error(mark, message).remedy(remedy)
}

/// The line of a row. The CSV reader's position is before the empty lines that it skips.
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
