//! Reads the keys that documents of several kinds have, such as `title` and `logsource`.

use jiff::tz::TimeZone;

use super::context::Context;
use super::rule::{Logsource, RuleId};
use super::time::time_zone;
use crate::diagnostic::{Mark, Problem, nearest};
use crate::yaml::{Entry, Node, Value as Yaml};

/// Reads the keys of one document, and collects the problems.
pub(super) struct MetadataReader<'n> {
    /// The document.
    pub(super) node: &'n Node,
    /// What the document is, for messages: `a rule`.
    pub(super) kind: &'static str,
    /// What is wrong with it.
    pub(super) problems: Vec<Problem>,
}

impl<'n> MetadataReader<'n> {
    pub(super) fn new(node: &'n Node, kind: &'static str) -> MetadataReader<'n> {
        MetadataReader {
            node,
            kind,
            problems: Vec::new(),
        }
    }

    /// The entries of the document, or a problem if it is not a map.
    pub(super) fn entries(&mut self) -> Option<&'n [Entry]> {
        let entries = self.node.as_map();
        if entries.is_none() {
            let message = format!("{} is a map, not {}", self.kind, self.node.value.kind());
            self.error(self.node.mark, message, "write `key: value` lines");
        }
        entries
    }

    /// The value if no problem is an error. The problems are appended to `problems`.
    pub(super) fn finish<T>(self, value: Option<T>, problems: &mut Vec<Problem>) -> Option<T> {
        let is_sound = self.problems.iter().all(Problem::is_warning);
        problems.extend(self.problems);
        value.filter(|_| is_sound)
    }

    pub(super) fn error(
        &mut self,
        mark: Mark,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let problem = Problem::error(mark, message);
        self.problems.push(problem.remedy(remedy));
    }

    /// Collects keys that are not `known`, and warns about one that is similar to a known key.
    pub(super) fn custom(&mut self, entries: &[Entry], known: &[&str]) -> Vec<Entry> {
        let unknown = entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()));
        let custom: Vec<Entry> = unknown.cloned().collect();
        for entry in &custom {
            let close = |known: &&str| strsim::osa_distance(&entry.key, known) <= 2;
            let near = nearest(&entry.key, known.iter().copied()).filter(close);
            if let Some(known) = near.filter(|known| self.node.entry(known).is_none()) {
                let problem =
                    Problem::warning(entry.key_mark, format!("unknown key `{}`", entry.key));
                self.problems
                    .push(problem.remedy(format!("did you mean `{known}`?")));
            }
        }
        custom
    }

    /// The UUID in `id`, if there is an `id`.
    pub(super) fn id(&mut self) -> Option<RuleId> {
        let node = self.node.entry("id")?;
        let id = node.as_str().and_then(|text| text.parse().ok());
        if id.is_none() {
            let problem = Problem::error(node.mark, "`id` is not a UUID");
            self.problems
                .push(problem.remedy("write 32 hexadecimal digits as 8-4-4-4-12"));
        }
        id
    }

    /// The title, which every document must have.
    pub(super) fn title(&mut self) -> Option<String> {
        let title = self.text("title");
        if self.node.entry("title").is_none() {
            let message = format!("{} needs a `title`", self.kind);
            self.error(
                self.node.mark,
                message,
                "write `title:` and one line for people",
            );
        }
        title
    }

    /// The time zone in `timezone`; UTC if there is none.
    pub(super) fn time_zone(&mut self) -> TimeZone {
        let Some((name, mark)) = self.marked("timezone") else {
            return TimeZone::UTC;
        };
        time_zone(&name).unwrap_or_else(|near| {
            let problem = Problem::error(mark, format!("no time zone `{name}`"));
            self.problems.push(match near {
                Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                None => {
                    problem.remedy("write a name of the IANA database, such as `Europe/Berlin`")
                }
            });
            TimeZone::UTC
        })
    }

    /// Warns about a `timezone` that nothing uses, and takes over the problems of the lines.
    pub(super) fn finish_lines(&mut self, context: &mut Context<'_>) {
        self.problems.append(&mut context.problems);
        let entries = self.node.as_map().unwrap_or_default().iter();
        let mut zones = entries.filter(|entry| entry.key == "timezone");
        if let Some(entry) = zones.next().filter(|_| !context.uses_zone) {
            let message = "`timezone` has no effect: no line compares a part of a time";
            let problem = Problem::warning(entry.key_mark, message);
            self.problems
                .push(problem.remedy("remove it, or write a line such as `time|hour|gte: 22`"));
        }
    }

    pub(super) fn logsource(&mut self) -> (Logsource, Mark) {
        let Some(node) = self.node.entry("logsource") else {
            let problem =
                Problem::error(self.node.mark, format!("{} needs a `logsource`", self.kind));
            self.problems
                .push(problem.remedy("write `logsource: {product: confluent}`"));
            return (Logsource::default(), self.node.mark);
        };
        let mut logsource = Logsource::default();
        let Some(entries) = node.as_map() else {
            let message = format!("`logsource` must be a map, not {}", node.value.kind());
            self.error(
                node.mark,
                message,
                "write `logsource: {product: confluent}`",
            );
            return (logsource, node.mark);
        };
        for entry in entries {
            let part = match entry.key.as_str() {
                "product" => &mut logsource.product,
                "service" => &mut logsource.service,
                "category" => &mut logsource.category,
                "definition" => continue,
                other => {
                    let message = format!("unknown key `{other}` in `logsource`");
                    let remedy = "write `product`, `service`, `category` or `definition`";
                    self.problems
                        .push(Problem::error(entry.key_mark, message).remedy(remedy));
                    continue;
                }
            };
            match entry.node.as_str() {
                Some(text) => *part = Some(text.to_lowercase()),
                None => {
                    let (key, kind) = (&entry.key, entry.node.value.kind());
                    let message = format!("`{key}` must be a string, not {kind}");
                    let remedy = format!("write one word, as in `{key}: kafka`");
                    self.error(entry.node.mark, message, remedy);
                }
            }
        }
        (logsource, node.mark)
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.marked(key).map(|(text, _)| text)
    }

    pub(super) fn marked(&mut self, key: &str) -> Option<(String, Mark)> {
        let node = self.node.entry(key)?;
        match &node.value {
            Yaml::Null => None,
            Yaml::String(_) | Yaml::Int(_) | Yaml::Float(_) => match node.text() {
                Ok(text) => Some((text.into_owned(), node.mark)),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            },
            other => {
                let message = format!("`{key}` must be a string, not {}", other.kind());
                self.error(node.mark, message, format!("write `{key}:` and one text"));
                None
            }
        }
    }

    pub(super) fn list(&mut self, key: &str) -> Vec<String> {
        let marked = self.marked_list(key);
        marked.into_iter().map(|(text, _)| text).collect()
    }

    pub(super) fn marked_list(&mut self, key: &str) -> Vec<(String, Mark)> {
        let Some(node) = self.node.entry(key) else {
            return Vec::new();
        };
        let elements: &[Node] = match &node.value {
            Yaml::Seq(elements) => elements,
            Yaml::Null => &[],
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for element in elements {
            match element.as_str() {
                Some(text) => texts.push((text.to_owned(), element.mark)),
                None => {
                    let message = format!("`{key}` lists strings, not {}", element.value.kind());
                    let problem = Problem::error(element.mark, message);
                    self.problems.push(match element.written() {
                        Some(written) => problem.remedy(format!("quote it: '{written}'")),
                        None => problem.remedy(format!("write `{key}: [text, text]`")),
                    });
                }
            }
        }
        texts
    }

    pub(super) fn one_of<T>(
        &mut self,
        key: &str,
        parse: fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Option<T> {
        let (text, mark) = self.marked(key)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            let problem = Problem::error(mark, format!("`{text}` is no {key}"));
            self.problems
                .push(problem.remedy(format!("write one of: {}", words.join(", "))));
        }
        parsed
    }
}
