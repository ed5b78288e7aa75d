//! Merges the layers of the configuration: defaults, the file, then `WATCHBELL__…` environment variables.
//! Invariant: every value has its origin, and unknown keys are left out before the layers are merged.

use std::collections::{BTreeMap, BTreeSet};

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::schema::ROOT;
use crate::kafka::client::is_secret;
use crate::settings::{
    DEFAULT, DefaultValue, Fault, Key, PREFIX, RuleValue, ScalarType, Shape, place,
};
use crate::yaml::{self, Entry, Node};

type Table = Map<String, Value>;

/// One layer, in the form that the `config` crate expects.
#[derive(Debug, Clone)]
struct Layer(Table);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Merge all layers. Unknown keys and variables are left out and reported in `faults`. The paths of keys whose values in
/// the file are of another type than they must be are appended to `refused`.
pub(super) fn merge(
    file: Option<(&str, &Node)>,
    variables: &[(String, String)],
    faults: &mut Vec<Fault>,
    refused: &mut Vec<String>,
) -> Table {
    let written = file.map_or_else(Table::new, |(name, root)| {
        let path = Vec::new();
        let mut layer = FileLayer {
            name,
            path,
            refused,
            faults,
        };
        layer.section(root, ROOT)
    });
    let mut names = section_names(&written);
    let given = from_variables(variables, &names, faults);
    for (section, given) in section_names(&given) {
        names.entry(section).or_default().extend(given);
    }
    let merged = config::Config::builder()
        .add_source(Layer(defaults(&names)))
        .add_source(Layer(written))
        .add_source(Layer(given))
        .build()
        .and_then(|merged| merged.collect());
    merged.unwrap_or_else(|error| {
        faults.push(Fault::new("configuration", error.to_string()));
        Table::new()
    })
}

/// The names that the user has chosen, of sources and of sinks, by the key of the section.
type SectionNames = BTreeMap<&'static str, BTreeSet<String>>;

fn section_names(layer: &Table) -> SectionNames {
    let named = ROOT
        .iter()
        .filter(|key| matches!(key.shape, Shape::Named(_)));
    let names = |key: &Key| match layer.get(key.name).map(|value| &value.kind) {
        Some(ValueKind::Table(sections)) => sections.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    named.map(|key| (key.name, names(key))).collect()
}

fn value(origin: &str, kind: impl Into<ValueKind>) -> Value {
    Value::new(Some(&origin.to_owned()), kind)
}

fn defaults(names: &SectionNames) -> Table {
    let mut table = section_defaults(ROOT);
    for key in ROOT {
        if let Shape::Named(keys) = key.shape {
            let names = names.get(key.name).into_iter().flatten();
            let sections: Table = names
                .map(|name| (name.clone(), value(DEFAULT, section_defaults(keys()))))
                .collect();
            table.insert(key.name.into(), value(DEFAULT, sections));
        }
    }
    table
}

fn section_defaults(keys: &[Key]) -> Table {
    let mut table = Table::new();
    for key in keys {
        let preset: ValueKind = match (key.shape, key.default) {
            (Shape::Section(keys), _) => section_defaults(keys).into(),
            (_, DefaultValue::Text(text)) => text.into(),
            (_, DefaultValue::Count(count)) => count.into(),
            (_, DefaultValue::Flag(flag)) => flag.into(),
            (_, DefaultValue::List(words)) => words
                .iter()
                .map(|word| value(DEFAULT, *word))
                .collect::<Vec<_>>()
                .into(),
            (_, DefaultValue::None) => continue,
        };
        table.insert(key.name.into(), value(DEFAULT, preset));
    }
    table
}

struct FileLayer<'a> {
    name: &'a str,
    /// The path of the key that is read.
    path: Vec<String>,
    refused: &'a mut Vec<String>,
    faults: &'a mut Vec<Fault>,
}

impl FileLayer<'_> {
    /// The entries of a map; a fault if the node is something else. A null is an empty map.
    fn entries<'n>(&mut self, node: &'n Node) -> &'n [Entry] {
        match &node.value {
            yaml::Value::Map(entries) => entries,
            yaml::Value::Null => &[],
            other => {
                let message = format!("a map is expected, not {}", other.kind());
                let fault = Fault::new(place(self.name, node.mark), message);
                self.refuse(fault.remedy("write `key: value` lines below it"));
                &[]
            }
        }
    }

    fn section(&mut self, node: &Node, keys: &[Key]) -> Table {
        let mut table = Table::new();
        for entry in self.entries(node) {
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
                let at = place(self.name, entry.key_mark);
                let fault = Fault::new(at, format!("unknown key `{}`", entry.key));
                self.faults.push(fault.one_of(&entry.key, &known));
                continue;
            };
            self.path.push(key.name.into());
            if let Some(value) = self.value(entry, key) {
                table.insert(key.name.into(), value);
            }
            self.path.pop();
        }
        table
    }

    /// Reports the value of the key that is read.
    fn refuse(&mut self, fault: Fault) {
        self.refused.push(self.path.join("."));
        self.faults.push(fault);
    }

    fn value(&mut self, entry: &Entry, key: &Key) -> Option<Value> {
        let node = &entry.node;
        let at = place(self.name, node.mark);
        match key.shape {
            Shape::Section(keys) => Some(value(&at, self.section(node, keys))),
            Shape::Named(keys) => {
                let sections = self.entries(node).iter();
                let sections: Table = sections
                    .map(|named| {
                        let at = place(self.name, named.key_mark);
                        self.path.push(named.key.clone());
                        let section = self.section(&named.node, keys());
                        self.path.pop();
                        (named.key.clone(), value(&at, section))
                    })
                    .collect();
                Some(value(&at, sections))
            }
            Shape::Properties => {
                let mut table = Table::new();
                for property in self.entries(node) {
                    if is_secret(&property.key) && !property.key.ends_with("_file") {
                        self.refuse_secret(property);
                    } else if let Some(scalar) = self.as_written(&property.node) {
                        table.insert(property.key.clone(), scalar);
                    }
                }
                Some(value(&at, table))
            }
            Shape::ByRule(shape) => {
                let mut table = Table::new();
                for entry in self.entries(node) {
                    let written = match shape {
                        RuleValue::Fields => self.list(&entry.node),
                        _ => self.scalar(&entry.node),
                    };
                    if let Some(written) = written {
                        table.insert(entry.key.clone(), written);
                    }
                }
                Some(value(&at, table))
            }
            Shape::List => self.list(node),
            Shape::Scalar => match (key.scalar_type, &node.value) {
                // The key is a boolean, so any YAML spelling of one is accepted.
                (ScalarType::Flag, yaml::Value::Bool(flag)) => Some(value(&at, *flag)),
                _ => self.scalar(node),
            },
            Shape::Structure(structure) => {
                let problems = (structure.check)(node);
                let faults = problems.into_iter().map(|p| Fault::in_file(self.name, p));
                self.faults.extend(faults);
                Some(value(&at, node.canonical()))
            }
            Shape::Secret => {
                self.refuse_secret(entry);
                None
            }
        }
    }

    /// Several words, or one.
    fn list(&mut self, node: &Node) -> Option<Value> {
        let words: Vec<Value> = match &node.value {
            yaml::Value::Seq(nodes) => nodes.iter().filter_map(|node| self.scalar(node)).collect(),
            yaml::Value::Null => return None,
            _ => self.scalar(node).into_iter().collect(),
        };
        Some(value(&place(self.name, node.mark), words))
    }

    /// A word, number or boolean; a fault if YAML reads it as something other than what is written.
    fn scalar(&mut self, node: &Node) -> Option<Value> {
        let at = place(self.name, node.mark);
        if let Err(problem) = node.check_written() {
            self.refuse(Fault::in_file(self.name, problem));
            return None;
        }
        match &node.value {
            yaml::Value::Null => None,
            yaml::Value::Bool(flag) => Some(value(&at, *flag)),
            yaml::Value::Int(number) => Some(value(&at, *number)),
            yaml::Value::Float(number) => Some(value(&at, *number)),
            yaml::Value::String(text) => Some(value(&at, text.as_str())),
            yaml::Value::Seq(_) | yaml::Value::Map(_) => self.one_value(node),
        }
    }

    /// A librdkafka property: the text as it is written, since librdkafka has its own syntax of numbers.
    fn as_written(&mut self, node: &Node) -> Option<Value> {
        let at = place(self.name, node.mark);
        match node.written() {
            Some(_) if node.check_written().is_ok() => self.scalar(node),
            Some(text) => Some(value(&at, text.as_ref())),
            None if node.value == yaml::Value::Null => None,
            None => self.one_value(node),
        }
    }

    fn one_value(&mut self, node: &Node) -> Option<Value> {
        let message = format!("one value is expected, not {}", node.value.kind());
        let fault = Fault::new(place(self.name, node.mark), message);
        self.refuse(fault.remedy("write a word, a number, true or false"));
        None
    }

    fn refuse_secret(&mut self, entry: &Entry) {
        let at = place(self.name, entry.key_mark);
        let fault = Fault::new(at, format!("`{}` is a secret", entry.key));
        self.refuse(fault.remedy(format!(
            "name a file that contains it with `{}_file`, or set it by a {PREFIX} variable",
            entry.key
        )));
    }
}

fn from_variables(
    variables: &[(String, String)],
    section_names: &SectionNames,
    faults: &mut Vec<Fault>,
) -> Table {
    let mut table = Table::new();
    for (variable, text) in variables {
        let Some(path) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let words: Vec<&str> = path.split("__").collect();
        match find_key(&words, section_names) {
            Some((path, shape)) => insert(&mut table, &path, setting(variable, text, shape)),
            None => {
                let known = variable_names(section_names);
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let fault = Fault::new(variable.as_str(), "no configuration key has this name");
                faults.push(match crate::diagnostic::nearest(variable, known) {
                    Some(near) => fault.remedy(format!("did you mean `{near}`?")),
                    None => fault.remedy("`watchbell config print` shows all keys"),
                });
            }
        }
    }
    table
}

/// The path of the key that a variable names by its words. The name of a source or sink is found in any
/// case, and with underscores in place of dashes and dots; a name that is not in the file is a new one.
fn find_key(words: &[&str], section_names: &SectionNames) -> Option<(Vec<String>, Shape)> {
    let mut shape = Shape::Section(ROOT);
    let mut path = Vec::new();
    for word in words {
        let word = word.to_lowercase();
        match shape {
            Shape::Section(keys) => {
                let key = keys.iter().find(|key| key.name == word)?;
                path.push(word);
                shape = key.shape;
            }
            Shape::Named(keys) if !word.is_empty() => {
                let plain = |name: &str| name.to_lowercase().replace(['-', '.'], "_");
                let section = path.first().map(String::as_str).unwrap_or_default();
                let names = section_names.get(section);
                let same = names.and_then(|names| names.iter().find(|name| plain(name) == word));
                path.push(same.cloned().unwrap_or(word));
                shape = Shape::Section(keys());
            }
            // An underscore stands for a dot: no librdkafka property has an underscore in its name.
            Shape::Properties if !word.is_empty() => {
                path.push(match word.strip_suffix("_file") {
                    Some(stem) => stem.replace('_', ".") + "_file",
                    None => word.replace('_', "."),
                });
                shape = Shape::Scalar;
            }
            _ => return None,
        }
    }
    let is_leaf = matches!(shape, Shape::List | Shape::Scalar | Shape::Secret);
    is_leaf.then_some((path, shape))
}

fn setting(variable: &str, text: &str, shape: Shape) -> Value {
    match shape {
        Shape::List => {
            let words = text
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty());
            let words: Vec<Value> = words.map(|word| value(variable, word)).collect();
            value(variable, words)
        }
        _ => value(variable, text),
    }
}

fn insert(table: &mut Table, path: &[String], setting: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(first.clone(), setting);
        return;
    }
    let origin = setting.origin().unwrap_or(DEFAULT).to_owned();
    let inner = table
        .entry(first.clone())
        .or_insert_with(|| value(&origin, Table::new()));
    if let ValueKind::Table(inner) = &mut inner.kind {
        insert(inner, rest, setting);
    }
}

/// The names of all variables, except those of librdkafka properties.
fn variable_names(section_names: &SectionNames) -> Vec<String> {
    fn collect(prefix: &str, keys: &[Key], named: &SectionNames, into: &mut Vec<String>) {
        for key in keys {
            let name = format!("{prefix}{}", key.name.to_uppercase());
            match key.shape {
                Shape::Section(keys) => collect(&format!("{name}__"), keys, named, into),
                Shape::Named(keys) => {
                    for own in named.get(key.name).into_iter().flatten() {
                        let own = own.to_uppercase().replace(['-', '.'], "_");
                        collect(&format!("{name}__{own}__"), keys(), named, into);
                    }
                }
                Shape::Properties | Shape::ByRule(_) | Shape::Structure(_) => {}
                Shape::List | Shape::Scalar | Shape::Secret => into.push(name),
            }
        }
    }
    let mut names = Vec::new();
    collect(PREFIX, ROOT, section_names, &mut names);
    names
}
