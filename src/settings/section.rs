//! Reads typed values from the merged layers. A value of the wrong type is a fault at the place where it
//! was written; reading goes on, so that one pass finds all faults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use config::{Map, Value, ValueKind};
use jiff::SignedDuration;

use super::fault::{Fault, NO_PLACE};
use super::key::{DEFAULT, PREFIX};
use crate::input_file;
use crate::sigma::{Level, Status};

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// One section of the merged configuration.
pub struct Section<'v> {
    /// Its path, for messages: empty, or ending in a dot.
    path: String,
    table: &'v Map<String, Value>,
}

impl<'v> Section<'v> {
    pub(crate) fn root(table: &'v Map<String, Value>) -> Section<'v> {
        Section {
            path: String::new(),
            table,
        }
    }

    /// The section of that name; an empty one if it is not set.
    pub(crate) fn section(&self, name: &str) -> Section<'v> {
        let table = match self.table.get(name).map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table,
            _ => &*EMPTY,
        };
        Section {
            path: format!("{}{name}.", self.path),
            table,
        }
    }

    /// Whether the key has a value, set or by default.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether the value of the key is its default.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        let origin = self.table.get(name).and_then(Value::origin);
        origin == Some(DEFAULT)
    }

    /// Whether there is no value in the section, nor in one below it.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.iter().all(|(name, value)| match value.kind {
            ValueKind::Table(_) => self.section(name).is_empty(),
            _ => false,
        })
    }

    /// The names of the sections in this one, sorted.
    pub(crate) fn names(&self) -> Vec<&'v str> {
        let mut names: Vec<&str> = self.table.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A fault at the place of `name`, or without a place if the key is not set.
    pub(crate) fn fault(&self, name: &str, message: impl std::fmt::Display) -> Fault {
        let place = self.table.get(name).and_then(Value::origin);
        let key = format!("{}{name}", self.path);
        Fault::new(place.unwrap_or(NO_PLACE), format!("{key}: {message}")).of_key(key)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.table.get(name)?.clone().into_string().ok()
    }

    /// A text that must be set.
    pub(crate) fn required(&self, name: &str, faults: &mut Vec<Fault>) -> String {
        let text = self.text(name).unwrap_or_default();
        if text.is_empty() {
            let fault = self.fault(name, "a value is required");
            let (path, variable) = (&self.path, self.variable(name));
            let remedy = format!("write `{path}{name}`, or set the variable {variable}");
            faults.push(fault.remedy(remedy));
        }
        text
    }

    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        match self.table.get(name).map(|value| &value.kind) {
            Some(ValueKind::Array(words)) => words
                .iter()
                .filter_map(|word| word.clone().into_string().ok())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Where each word of a list was written.
    pub(crate) fn places_of_words(&self, name: &str) -> Vec<(String, &'v str)> {
        let words = match self.table.get(name).map(|value| &value.kind) {
            Some(ValueKind::Array(words)) => words.as_slice(),
            _ => &[],
        };
        let placed = words.iter().filter_map(|word| {
            let place = word.origin().unwrap_or(DEFAULT);
            Some((word.clone().into_string().ok()?, place))
        });
        placed.collect()
    }

    /// Where the value of each key was written.
    pub(crate) fn places(&self) -> Vec<(String, &'v str)> {
        let placed = self
            .table
            .iter()
            .map(|(name, value)| (name.clone(), value.origin().unwrap_or(DEFAULT)));
        placed.collect()
    }

    /// Whether a fault about a key has been found, so that what follows from its value is not reported, too.
    pub(crate) fn is_faulty(&self, name: &str, faults: &[Fault]) -> bool {
        let key = format!("{}{name}", self.path);
        faults
            .iter()
            .any(|fault| fault.key.as_deref() == Some(&*key))
    }

    /// A value parsed as `T`; `expected` describes the accepted values.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        name: &str,
        expected: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            faults.push(self.fault(name, format!("{expected} is expected, not `{text}`")));
        }
        parsed
    }

    pub(crate) fn count<T: FromStr + Default>(&self, name: &str, faults: &mut Vec<Fault>) -> T {
        self.parsed(name, "a whole number", faults)
            .unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str, faults: &mut Vec<Fault>) -> bool {
        self.parsed(name, "true or false", faults)
            .unwrap_or_default()
    }

    /// A length of time such as `100ms`, `25s` or `1h`.
    pub(crate) fn duration(&self, name: &str, faults: &mut Vec<Fault>) -> Duration {
        let expected = "a length of time such as 100ms or 25s";
        let parsed: Option<SignedDuration> = self.parsed(name, expected, faults);
        match parsed.map(Duration::try_from) {
            Some(Ok(duration)) => duration,
            Some(Err(_)) => {
                faults.push(self.fault(name, "a length of time cannot be negative"));
                Duration::ZERO
            }
            None => Duration::ZERO,
        }
    }

    /// One of the given choices.
    pub(crate) fn choice<T: Copy + Default>(
        &self,
        name: &str,
        choices: &[(&str, T)],
        faults: &mut Vec<Fault>,
    ) -> T {
        let word = self.text(name).unwrap_or_default();
        if let Some((_, choice)) = choices.iter().find(|(known, _)| *known == word) {
            return *choice;
        }
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        let fault = self.fault(name, format!("`{word}` is not a valid value"));
        faults.push(fault.one_of(&word, &known));
        T::default()
    }

    /// Levels by rule id, tag or pack.
    pub(crate) fn levels(&self, faults: &mut Vec<Fault>) -> BTreeMap<String, Level> {
        let known = Level::ALL.map(Level::as_str);
        self.by_rule("level", Level::parse, &known, faults)
    }

    /// Statuses by rule id, tag or pack; a status with which no rule can be in force is a fault.
    pub(crate) fn statuses(&self, faults: &mut Vec<Fault>) -> BTreeMap<String, Status> {
        let known = Status::IN_FORCE.map(Status::as_str);
        let parse = |word: &str| {
            Status::IN_FORCE
                .into_iter()
                .find(|status| status.as_str() == word)
        };
        self.by_rule("status", parse, &known, faults)
    }

    fn by_rule<T>(
        &self,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
        known: &[&str],
        faults: &mut Vec<Fault>,
    ) -> BTreeMap<String, T> {
        let names = self.names().into_iter();
        names
            .filter_map(|name| {
                let word = self.text(name)?;
                let parsed = parse(&word);
                if parsed.is_none() {
                    let fault = self.fault(name, format!("`{word}` is not a {what}"));
                    faults.push(fault.one_of(&word, known));
                }
                Some((name.to_owned(), parsed?))
            })
            .collect()
    }

    /// Texts by rule id, tag or pack.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let names = self.names().into_iter();
        names
            .filter_map(|name| Some((name.to_owned(), self.text(name)?)))
            .collect()
    }

    /// Lists of words by rule id, tag or pack.
    pub(crate) fn lists(&self) -> BTreeMap<String, Vec<String>> {
        let names = self.names().into_iter();
        names
            .map(|name| (name.to_owned(), self.words(name)))
            .collect()
    }

    /// A secret from an environment variable, or from the file that `<name>_file` names.
    pub(crate) fn secret(&self, name: &str, faults: &mut Vec<Fault>) -> Option<String> {
        let file = format!("{name}_file");
        match (self.text(name), self.text(&file)) {
            (Some(_), Some(_)) => {
                let message = format!("set twice, here and by {file}");
                faults.push(self.fault(name, message).remedy("keep one of the two"));
                None
            }
            (Some(secret), None) => Some(secret),
            (None, Some(path)) => self.read_secret(&file, Path::new(&path), faults),
            (None, None) => None,
        }
    }

    fn read_secret(&self, key: &str, path: &Path, faults: &mut Vec<Fault>) -> Option<String> {
        match self.read(key, path, faults)?.trim() {
            "" => {
                let message = format!("read {}: the file is empty", path.display());
                faults.push(self.fault(key, message).remedy("write the secret into it"));
                None
            }
            secret => Some(secret.to_owned()),
        }
    }

    /// The environment variable that sets a key of this section.
    pub(crate) fn variable(&self, name: &str) -> String {
        let path = self.path.replace('.', "__").replace('-', "_");
        format!("{PREFIX}{path}{name}").to_uppercase()
    }

    /// The content of the file that the value of `name` names.
    pub(crate) fn file(&self, name: &str, faults: &mut Vec<Fault>) -> Option<String> {
        let path = self.text(name)?;
        self.read(name, Path::new(&path), faults)
    }

    /// The text of the file that the value of `name` names.
    fn read(&self, name: &str, path: &Path, faults: &mut Vec<Fault>) -> Option<String> {
        match input_file::read_text(path) {
            Ok(text) => Some(text),
            Err(problem) => {
                let message = format!("read {}: {}", path.display(), problem.message);
                let fault = self.fault(name, message);
                faults.push(match problem.remedy {
                    Some(remedy) => fault.remedy(remedy),
                    None => fault,
                });
                None
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }
}
