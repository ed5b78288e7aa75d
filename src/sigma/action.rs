//! `action` in files of Sigma 1: documents that share keys (`global`), or that change the rule before them (`repeat`).
//! Each document that results is one as if it had been written in full; what it shares keeps its place in the file.

use crate::diagnostic::{Mark, Problem};
use crate::yaml::{Entry, Node, Value as Yaml};

/// Most keys and values that the documents of a file may get from `action: global` and `action: repeat`, so that a
/// short text cannot become a large one.
const MAX_SHARED: usize = 250_000;

/// What `action` does, as error messages list it.
const REMEDY: &str = "write `global`, `reset` or `repeat`, or no `action`";

/// The keys that the documents of one file share.
#[derive(Debug, Default)]
pub(super) struct Actions {
    /// The keys of `action: global`, since the last `action: reset`.
    global: Vec<Entry>,
    /// The last document that is not an action by itself, with what it shares.
    previous: Option<Node>,
    /// Where `action: global` stands, if no document has got its keys so far.
    unused: Option<Mark>,
    /// A warning for each `action: global` that has no effect.
    warnings: Vec<Problem>,
    /// How many keys and values documents have got from others.
    shared: usize,
}

impl Actions {
    /// The document with the keys that it shares; `None` if it only has an effect on others.
    ///
    /// # Errors
    /// The value of `action` is none of Sigma 1, or the documents become too large.
    pub(super) fn apply(&mut self, document: Node) -> Result<Option<Node>, Problem> {
        let Yaml::Map(entries) = &document.value else {
            return Ok(Some(document));
        };
        let action = entries.iter().find(|entry| entry.key == "action").cloned();
        let mut entries = entries.clone();
        entries.retain(|entry| entry.key != "action");
        let completed = match action.as_ref().map(|action| (action, action.node.as_str())) {
            None => {
                self.share(&document, size_of(&self.global))?;
                self.unused = None;
                merged(&self.global, entries)
            }
            Some((action, Some("global"))) => {
                self.unused.get_or_insert(action.key_mark);
                self.global = merged(&self.global, entries);
                return Ok(None);
            }
            Some((_, Some("reset"))) => {
                self.global.clear();
                self.warn_if_unused();
                return match entries.first() {
                    None => Ok(None),
                    Some(entry) => {
                        let message = "a document with `action: reset` has no other keys";
                        let problem = Problem::error(entry.key_mark, message);
                        Err(problem.remedy("write them into the documents after it"))
                    }
                };
            }
            Some((action, Some("repeat"))) => {
                let Some(previous) = self.previous.take() else {
                    let message = "`action: repeat` without a rule before it";
                    let remedy = "write the document in full, without `action`";
                    return Err(Problem::error(action.key_mark, message).remedy(remedy));
                };
                let previous = previous.as_map().unwrap_or_default();
                self.share(&document, size_of(previous))?;
                merged(previous, entries)
            }
            Some((action, word)) => {
                let message = match word {
                    Some(word) => format!("unknown action `{word}`"),
                    None => format!("`action` is a string, not {}", action.node.value.kind()),
                };
                return Err(Problem::error(action.node.mark, message).remedy(REMEDY));
            }
        };
        let completed = Node::new(Yaml::Map(completed), document.mark);
        self.previous = Some(completed.clone());
        Ok(Some(completed))
    }

    /// A warning for each `action: global` whose keys no document has got.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.warn_if_unused();
        self.warnings
    }

    fn warn_if_unused(&mut self) {
        if let Some(mark) = self.unused.take() {
            let message = "`action: global` has no effect: no document follows that gets its keys";
            let remedy = "write the rules after it, or remove `action` if it is a rule itself";
            self.warnings
                .push(Problem::warning(mark, message).remedy(remedy));
        }
    }

    /// Counts what a document gets from others.
    fn share(&mut self, document: &Node, size: usize) -> Result<(), Problem> {
        self.shared += size;
        if self.shared <= MAX_SHARED {
            return Ok(());
        }
        let message = format!(
            "the documents up to here get more than {MAX_SHARED} keys and values from `action: global` and \
             `action: repeat`"
        );
        Err(Problem::error(document.mark, message).remedy("split the file"))
    }
}

/// The entries of both; where both have a key, maps are merged and any other value is that of `own`.
fn merged(base: &[Entry], own: Vec<Entry>) -> Vec<Entry> {
    let mut all = base.to_vec();
    for entry in own {
        let Some(same) = all.iter_mut().find(|other| other.key == entry.key) else {
            all.push(entry);
            continue;
        };
        match (&same.node.value, &entry.node.value) {
            (Yaml::Map(base), Yaml::Map(own)) => {
                let both = Yaml::Map(merged(base, own.clone()));
                same.node = Node::new(both, entry.node.mark);
            }
            _ => *same = entry,
        }
    }
    all
}

/// The number of keys and values.
fn size_of(entries: &[Entry]) -> usize {
    fn values_in(node: &Node) -> usize {
        1 + match &node.value {
            Yaml::Seq(nodes) => nodes.iter().map(values_in).sum(),
            Yaml::Map(entries) => size_of(entries),
            _ => 0,
        }
    }
    entries.iter().map(|entry| 1 + values_in(&entry.node)).sum()
}
