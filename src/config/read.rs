//! Reading typed values out of the merged layers. A value that does not fit is a fault at the place
//! where it was written; reading goes on, so that one pass finds them all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use config::{Map, Value, ValueKind};
use jiff::SignedDuration;

use super::fault::Fault;
use super::schema::PREFIX;
use crate::kafka::client::is_secret;
use crate::kafka::{Cluster, Credentials};
use crate::sigma::Level;

static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// One section of the merged configuration.
pub(super) struct Section<'v> {
    /// Its path, for messages: empty, or ending in a dot.
    path: String,
    table: &'v Map<String, Value>,
}

impl<'v> Section<'v> {
    pub(super) fn root(table: &'v Map<String, Value>) -> Section<'v> {
        Section {
            path: String::new(),
            table,
        }
    }

    /// The section of that name; one without any key where nobody wrote it.
    pub(super) fn section(&self, name: &str) -> Section<'v> {
        let table = match self.table.get(name).map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table,
            _ => &*NOTHING,
        };
        Section {
            path: format!("{}{name}.", self.path),
            table,
        }
    }

    /// Whether somebody, or a default, gives the key a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The names of the sections in this one, sorted.
    pub(super) fn names(&self) -> Vec<&'v str> {
        let mut names: Vec<&str> = self.table.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A fault at the place of `name`, or of the whole where nobody wrote it.
    pub(super) fn fault(&self, name: &str, message: impl std::fmt::Display) -> Fault {
        let place = self.table.get(name).and_then(Value::origin);
        let path = &self.path;
        Fault::new(
            place.unwrap_or("configuration"),
            format!("{path}{name}: {message}"),
        )
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.table.get(name)?.clone().into_string().ok()
    }

    /// Text that must be there.
    pub(super) fn required(&self, name: &str, faults: &mut Vec<Fault>) -> String {
        let text = self.text(name).unwrap_or_default();
        if text.is_empty() {
            faults.push(self.fault(name, "a value is needed"));
        }
        text
    }

    pub(super) fn words(&self, name: &str) -> Vec<String> {
        match self.table.get(name).map(|value| &value.kind) {
            Some(ValueKind::Array(words)) => words
                .iter()
                .filter_map(|word| word.clone().into_string().ok())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A value in the words of `T`; `expected` says what they are.
    pub(super) fn parsed<T: FromStr>(
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

    pub(super) fn count<T: FromStr + Default>(&self, name: &str, faults: &mut Vec<Fault>) -> T {
        self.parsed(name, "a whole number", faults)
            .unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str, faults: &mut Vec<Fault>) -> bool {
        self.parsed(name, "true or false", faults)
            .unwrap_or_default()
    }

    /// A length of time such as `100ms`, `25s` or `1h`.
    pub(super) fn duration(&self, name: &str, faults: &mut Vec<Fault>) -> Duration {
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

    /// One of the given words.
    pub(super) fn choice<T: Copy + Default>(
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
        let fault = self.fault(name, format!("`{word}` is not known"));
        faults.push(fault.one_of(&word, &known));
        T::default()
    }

    /// Levels by rule id or tag.
    pub(super) fn levels(&self, faults: &mut Vec<Fault>) -> BTreeMap<String, Level> {
        let names = self.names().into_iter();
        names
            .filter_map(|name| {
                let word = self.text(name)?;
                let level = Level::parse(&word);
                if level.is_none() {
                    let known = Level::ALL.map(Level::as_str);
                    let fault = self.fault(name, format!("`{word}` is no level"));
                    faults.push(fault.one_of(&word, &known));
                }
                Some((name.to_owned(), level?))
            })
            .collect()
    }

    /// A secret from the environment, or from the file that `<name>_file` names.
    pub(super) fn secret(&self, name: &str, faults: &mut Vec<Fault>) -> Option<String> {
        let file = format!("{name}_file");
        match (self.text(name), self.text(&file)) {
            (Some(_), Some(_)) => {
                let message = format!("given twice, here and as {file}");
                faults.push(self.fault(name, message).remedy("keep one of the two"));
                None
            }
            (Some(secret), None) => Some(secret),
            (None, Some(path)) => self.read_secret(&file, Path::new(&path), faults),
            (None, None) => None,
        }
    }

    fn read_secret(&self, key: &str, path: &Path, faults: &mut Vec<Fault>) -> Option<String> {
        let problem = match std::fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => "the file is empty".to_owned(),
            Ok(text) => return Some(text.trim().to_owned()),
            Err(error) => error.to_string(),
        };
        faults.push(self.fault(key, format!("read {}: {problem}", path.display())));
        None
    }

    /// The variable that sets a key of this section.
    pub(super) fn variable(&self, prefix: &str, name: &str) -> String {
        let path = self.path.replace('.', "__").replace('-', "_");
        format!("{prefix}{path}{name}").to_uppercase()
    }

    /// The cluster that this section describes.
    pub(super) fn cluster(&self, faults: &mut Vec<Fault>) -> Cluster {
        let credentials = match (
            self.secret("api_key", faults),
            self.secret("api_secret", faults),
        ) {
            (Some(key), Some(secret)) => Some(Credentials { key, secret }),
            (None, None) => None,
            (key, _) => {
                let (has, lacks) = match key {
                    Some(_) => ("api_key", "api_secret"),
                    None => ("api_secret", "api_key"),
                };
                let variable = self.variable(PREFIX, lacks);
                let fault = self.fault(lacks, format!("missing, though there is an {has}"));
                faults.push(fault.remedy(format!("set {lacks}_file, or the variable {variable}")));
                None
            }
        };
        Cluster {
            bootstrap: self.required("bootstrap", faults),
            credentials,
            properties: self.section("kafka").properties(faults),
        }
    }

    fn properties(&self, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
        let mut properties = BTreeMap::new();
        for name in self.names() {
            match name.strip_suffix("_file") {
                Some(property) if is_secret(property) => {
                    if let Some(secret) = self.secret(property, faults) {
                        properties.insert(property.to_owned(), secret);
                    }
                }
                _ => {
                    if let Some(text) = self.text(name) {
                        properties.insert(name.to_owned(), text);
                    }
                }
            }
        }
        properties
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }
}
