//! The names file: names, owners and teams that an operator gives to ids of principals and resources.
//! Parses text only; other modules read and reload the file. A file with an error gives no names.

use std::collections::hash_map::Entry as Slot;

use foldhash::HashMap;
use serde::Serialize;

use super::table::Columns;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::json::{Phrase, Written};
use crate::yaml::{self, Entry, YamlReader};

/// The keys of an entry.
const KEYS: [&str; 5] = ["name", "owner", "team", "kind", "environment"];

/// The columns of a CSV file.
const COLUMNS: Columns = Columns {
    known: &["id", "name", "owner", "team", "kind", "environment"],
    required: &["id", "name"],
};

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
        let by_id = csv_facts(&mut reader, text);
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

fn csv_facts(reader: &mut YamlReader, text: &str) -> HashMap<String, NameEntry> {
    let mut by_id = HashMap::default();
    let mut lines: HashMap<String, u32> = HashMap::default();
    COLUMNS.rows(text, reader, |row, reader| {
        let mut facts = NameEntry::default();
        for (key, cell) in row.cells() {
            set(reader, &mut facts, key, cell, row.mark);
        }
        let id = row.cell("id");
        match lines.entry(id.to_owned()) {
            Slot::Occupied(first) if !id.is_empty() => {
                let message = format!("`{id}` is already on line {}", first.get());
                let problem = Problem::error(row.mark, message);
                reader.report(problem.remedy("keep one of the two lines"));
            }
            Slot::Occupied(_) => {}
            Slot::Vacant(free) => {
                free.insert(row.mark.line);
            }
        }
        by_id.insert(id.to_owned(), facts);
    });
    by_id
}

#[cfg(test)]
mod tests;
