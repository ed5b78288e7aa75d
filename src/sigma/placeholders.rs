//! Values for placeholders, such as `%Administrators%` in a line with the modifier `expand`.
//! A rule with a placeholder that has no values is refused, so an unresolved one is never compared with an event.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::yaml::{self, Node, Value as Yaml, YamlReader};

/// Most texts for which one value of a rule may stand: with several placeholders, their values multiply.
const MAX_EXPANSIONS: usize = 10_000;

/// Most texts for which all values of one document may stand.
pub(super) const MAX_DOCUMENT_EXPANSIONS: usize = 100_000;

/// The values of placeholders, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placeholders {
    values: BTreeMap<String, Vec<String>>,
    /// What is known of placeholders without values.
    others: Others,
}

/// What is known of placeholders without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Others {
    /// There are none.
    #[default]
    None,
    /// The file of placeholders has an error, so it is unknown which ones there are.
    Unknown,
    /// There are none here; the text says why and what to do.
    Unsupported(&'static str, &'static str),
}

/// Parts of a text with placeholders, in order.
enum Piece<'t> {
    Text(String),
    Placeholder(&'t str),
}

impl Placeholders {
    /// Placeholders from a file that has an error: each is taken for a text, so that rules can still be checked for
    /// other errors. Rules that are parsed with them must not be used.
    pub fn unknown() -> Placeholders {
        Placeholders {
            others: Others::Unknown,
            ..Placeholders::default()
        }
    }

    /// No placeholders, where they are not supported: each is an error with this message and remedy.
    pub fn unsupported(message: &'static str, remedy: &'static str) -> Placeholders {
        Placeholders {
            others: Others::Unsupported(message, remedy),
            ..Placeholders::default()
        }
    }

    /// Reads a YAML map from names to values: `Administrators: [u-1, adm*]`.
    ///
    /// # Errors
    /// Everything that is wrong in the text, with the name of its file.
    pub fn parse(text: &str, file: &str) -> Result<Placeholders, Vec<Diagnostic>> {
        let mut reader = YamlReader::default();
        let mut placeholders = BTreeMap::new();
        match yaml::document(text) {
            Ok(document) if document.value == Yaml::Null => {}
            Ok(document) => {
                for entry in reader.map(&document) {
                    if entry.key.is_empty() || entry.key.contains('%') {
                        let message = format!("`{}` is no name of a placeholder", entry.key);
                        let remedy = "write the name without the percent signs";
                        reader.report(Problem::error(entry.key_mark, message).remedy(remedy));
                    }
                    let values = values(&entry.node, &mut reader);
                    placeholders.insert(entry.key.clone(), values);
                }
            }
            Err(problem) => reader.report(problem),
        }
        match reader.is_content() {
            true => Ok(Placeholders {
                values: placeholders,
                others: Others::None,
            }),
            false => Err(reader.into_diagnostics(file)),
        }
    }

    /// The values of a placeholder, as one text that is equal if the values are.
    pub(super) fn canonical(&self, name: &str) -> String {
        let values = self.values.get(name).map(Vec::as_slice).unwrap_or_default();
        format!("%{name}%={}", serde_json::Value::from(values))
    }

    /// The texts for which a text stands: each as its parts, in order. The names of the placeholders in it are
    /// appended to `used`.
    ///
    /// # Errors
    /// A placeholder has no values, or the text stands for too many.
    pub(super) fn expand(
        &self,
        text: &str,
        mark: Mark,
        used: &mut Vec<String>,
    ) -> Result<Vec<Vec<String>>, Problem> {
        let mut expanded = vec![Vec::new()];
        for piece in pieces(text) {
            let values = match piece {
                Piece::Text(text) => &vec![text],
                Piece::Placeholder(name) if self.others == Others::Unknown => {
                    &vec![name.to_owned()]
                }
                Piece::Placeholder(name) => {
                    used.push(name.to_owned());
                    let values = self.values.get(name);
                    values.ok_or_else(|| self.without_value(name, mark))?
                }
            };
            if expanded.len() * values.len() > MAX_EXPANSIONS {
                let message = format!("`{text}` stands for more than {MAX_EXPANSIONS} values");
                let problem = Problem::error(mark, message);
                return Err(problem.remedy("write several lines with fewer placeholders"));
            }
            let longer = |parts: &Vec<String>| {
                let parts = parts.clone();
                values
                    .iter()
                    .map(move |value| [&parts[..], std::slice::from_ref(value)].concat())
            };
            expanded = expanded.iter().flat_map(longer).collect();
        }
        Ok(expanded)
    }

    fn without_value(&self, name: &str, mark: Mark) -> Problem {
        if let Others::Unsupported(message, remedy) = self.others {
            return Problem::error(mark, message).remedy(remedy);
        }
        let problem = Problem::error(mark, format!("placeholder `%{name}%` has no value"));
        match nearest(name, self.values.keys().map(String::as_str)) {
            Some(near) => problem.remedy(format!("did you mean `%{near}%`?")),
            None => problem.remedy(
                "give it values in the file that `placeholders` in the configuration or the option \
                 `--placeholders` names, or write the values here without `expand`",
            ),
        }
    }
}

/// The values of one placeholder: a scalar, or a list of scalars.
fn values(node: &Node, reader: &mut YamlReader) -> Vec<String> {
    let elements = match &node.value {
        Yaml::Seq(elements) => elements.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if elements.is_empty() {
        let problem = Problem::error(node.mark, "a placeholder without values");
        let remedy = "list at least one value; rules with it are refused if it is left out";
        reader.report(problem.remedy(remedy));
    }
    let mut values = Vec::new();
    for element in elements {
        match element.text() {
            Ok(text) => values.push(text.into_owned()),
            Err(problem) if problem.remedy.is_some() => reader.report(problem),
            Err(problem) => reader.report(problem.remedy("write `name: [value, value]`")),
        }
    }
    values
}

/// Splits a text at its placeholders. `\%` is a percent sign.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' if after.starts_with(['%', '\\']) => {
                // A backslash before a backslash is left to the escapes of wildcards.
                plain.push_str(if after.starts_with('%') { "%" } else { r"\\" });
                rest = &after[1..];
            }
            '%' => match placeholder_end(after) {
                Some(end) => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Placeholder(&after[..end]));
                    rest = &after[end + 1..];
                }
                None => {
                    plain.push('%');
                    rest = after;
                }
            },
            c => {
                plain.push(c);
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(plain));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

/// Where the name that begins here ends, if a percent sign that is not escaped follows it.
fn placeholder_end(text: &str) -> Option<usize> {
    let end = text.find('%')?;
    let is_escaped = text[..end].ends_with('\\');
    (end > 0 && !is_escaped).then_some(end)
}
