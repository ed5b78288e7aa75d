//! Reads expected values from a YAML tree and collects problems, so that one pass over a file reports
//! all of them.

use super::{Entry, Node};
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};

/// Reads values from nodes, and collects the problems.
#[derive(Debug, Default)]
pub struct YamlReader {
    problems: Vec<Problem>,
}

impl YamlReader {
    /// Adds a problem.
    pub fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether there is no problem so far.
    pub fn is_content(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems, in the order of the file.
    pub fn into_diagnostics(mut self, file: &str) -> Vec<Diagnostic> {
        self.problems.sort_by_key(|problem| problem.mark);
        let file: std::sync::Arc<str> = file.into();
        let located = self.problems.into_iter().map(|problem| Diagnostic {
            file: file.clone(),
            problem,
        });
        located.collect()
    }

    /// The entries of a map; if the node is not a map, none and a problem.
    pub fn map<'n>(&mut self, node: &'n Node) -> &'n [Entry] {
        node.as_map().unwrap_or_else(|| {
            self.report(mismatch(node, "a map").remedy("write `key: value` lines"));
            &[]
        })
    }

    /// The entries of a map; any other key than these is a problem.
    pub fn map_of<'n>(&mut self, node: &'n Node, known: &[&str]) -> &'n [Entry] {
        let entries = self.map(node);
        for entry in entries {
            self.word(
                &entry.key,
                entry.key_mark,
                "key",
                known.iter().map(|key| (*key, ())),
            );
        }
        entries
    }

    /// The elements of a list; if the node is not a list, none and a problem.
    pub fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        node.as_seq().unwrap_or_else(|| {
            self.report(mismatch(node, "a list").remedy("write `- value` lines"));
            &[]
        })
    }

    /// A string that is not blank.
    pub fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let Some(text) = node.as_str() else {
            let problem = mismatch(node, "a string");
            self.report(match node.written() {
                Some(written) => problem.remedy(format!("quote it: '{written}'")),
                None => problem.remedy("write a text"),
            });
            return None;
        };
        if text.trim().is_empty() {
            let problem = Problem::error(node.mark, "an empty string");
            self.report(problem.remedy("write a text, or remove the key"));
            return None;
        }
        Some(text)
    }

    /// The value of a word that must be one of the known ones.
    pub fn word<'k, T>(
        &mut self,
        word: &str,
        mark: Mark,
        what: &str,
        known: impl IntoIterator<Item = (&'k str, T)>,
    ) -> Option<T> {
        let mut others = Vec::new();
        for (name, value) in known {
            if name == word {
                return Some(value);
            }
            others.push(name);
        }
        let remedy = match nearest(word, others.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of: {}", others.join(", ")),
        };
        self.report(Problem::error(mark, format!("unknown {what} `{word}`")).remedy(remedy));
        None
    }
}

fn mismatch(node: &Node, expected: &str) -> Problem {
    let message = format!("{expected} is expected, not {}", node.value.kind());
    Problem::error(node.mark, message)
}
