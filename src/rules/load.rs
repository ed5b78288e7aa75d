//! Finds, reads and parses the rule files of packs, directories and single files.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::pack;
use super::parsed_rule::{ParsedFilter, ParsedRule, ParsedSuppression};
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::input_file::{self, unreadable};
use crate::sigma::{self, Placeholders, RuleId};

/// A source of rule files, as the configuration and the command line name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSource {
    /// `pack:<name>`: rules compiled into the binary.
    Pack(String),
    /// A directory, which is searched with all its subdirectories, or one file.
    Path(PathBuf),
}

impl FromStr for RuleSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<RuleSource, Infallible> {
        Ok(match text.strip_prefix("pack:") {
            Some(name) => RuleSource::Pack(name.to_owned()),
            None => RuleSource::Path(PathBuf::from(text)),
        })
    }
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleSource::Pack(name) => write!(f, "pack:{name}"),
            RuleSource::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The largest file of rules, bytes.
const MAX_FILE_BYTES: usize = 4 << 20;

/// Most bytes of all files of a rule set.
const MAX_SET_BYTES: usize = 64 << 20;

/// Most documents of a rule set.
const MAX_SET_DOCUMENTS: usize = 20_000;

/// With how many values the rules, filters and suppressions of a set may compare, all together.
const MAX_SET_VALUES: usize = 4_000_000;

/// The name of the text with the rule that is tried, in diagnostics and as its file. No file that is read is called so.
pub const TRIED: &str = "the rule:";

/// A rule file: its name as diagnostics show it, and its text.
#[derive(Debug)]
pub(super) struct RuleFile {
    pub(super) name: Arc<str>,
    pub(super) text: String,
}

impl RuleFile {
    /// The YAML document that a line, from 1, is in, without the lines `---` around it.
    pub(super) fn document_at(&self, line: u32) -> Option<&str> {
        let (mut begin, mut end, mut number) = (0, 0, 0);
        for text in self.text.split_inclusive('\n') {
            number += 1;
            let is_border = text.trim_end() == "---" || text.starts_with("--- ");
            if is_border && number > line {
                break;
            }
            end += text.len();
            if is_border {
                begin = end;
            }
        }
        (number >= line).then(|| &self.text[begin..end])
    }
}

/// Reads the files of all sources, in the order of the sources and, within a source, of the names. A file that
/// belongs to several sources is returned once.
pub(super) fn read(sources: &[RuleSource], diagnostics: &mut Vec<Diagnostic>) -> Vec<RuleFile> {
    let mut files = Vec::new();
    for source in sources {
        match source {
            RuleSource::Pack(name) => match pack::pack(name) {
                Some(pack) => files.extend(pack.map(|(folder, file)| RuleFile {
                    name: format!("pack:{folder}/{}", file.name).into(),
                    text: file.text.to_owned(),
                })),
                None => {
                    let near = nearest(name, pack::pack_names());
                    let names = pack::pack_names().collect::<Vec<_>>().join(", ");
                    let remedy = match near {
                        Some(near) => format!("did you mean `pack:{near}`?"),
                        None => format!("the packs are: {names}"),
                    };
                    let problem = Problem::error(Mark::START, "no such pack").remedy(remedy);
                    diagnostics.push(at(source.to_string(), problem));
                }
            },
            RuleSource::Path(path) => read_path(path, &mut files, diagnostics),
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.name.clone()));
    let mut bytes = 0;
    let too_many = files.iter().position(|file| {
        bytes += file.text.len();
        bytes > MAX_SET_BYTES
    });
    if let Some(position) = too_many {
        let message = format!("with this file, the rules have more than {MAX_SET_BYTES} bytes");
        let problem = Problem::error(Mark::START, message);
        diagnostics.push(at(
            &files[position].name,
            problem.remedy("load fewer rules"),
        ));
        files.truncate(position);
    }
    files
}

/// Reads one rule file, or every rule file of a directory.
fn read_path(path: &Path, files: &mut Vec<RuleFile>, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    if path.is_dir() {
        search(
            path,
            &|name| is_rule_file(name),
            &mut found,
            &mut HashSet::new(),
            diagnostics,
        );
        if found.is_empty() {
            let problem = Problem::warning(Mark::START, "no rule in this directory")
                .remedy("rules are files named `*.yaml` or `*.yml`");
            diagnostics.push(at(path.display(), problem));
        }
    } else {
        found.push(path.to_owned());
    }
    for path in found {
        match read_text(&path) {
            Ok(text) => files.push(RuleFile {
                name: path.display().to_string().into(),
                text,
            }),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
}

/// The text of a file of rules or of their tests.
pub(super) fn read_text(path: &Path) -> Result<String, Diagnostic> {
    input_file::read_text_of(path, MAX_FILE_BYTES).map_err(|problem| at(path.display(), problem))
}

/// Appends to `found` the files of a directory and its subdirectories whose name is `wanted`, in the order of
/// their names. Names that begin with a dot are skipped: Kubernetes stores the files of a mounted ConfigMap in
/// such a directory and creates symbolic links to them. `visited` ends a cycle of symbolic links.
pub(super) fn search(
    directory: &Path,
    wanted: &dyn Fn(&str) -> bool,
    found: &mut Vec<PathBuf>,
    visited: &mut HashSet<PathBuf>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let listed = directory.canonicalize().and_then(|canonical| {
        let first_visit = visited.insert(canonical);
        let entries = first_visit.then(|| directory.read_dir()).transpose()?;
        entries.into_iter().flatten().collect::<Result<Vec<_>, _>>()
    });
    let mut paths: Vec<PathBuf> = match listed {
        Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
        Err(error) => {
            diagnostics.push(at(directory.display(), unreadable(directory, &error)));
            return;
        }
    };
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            search(&path, wanted, found, visited, diagnostics);
        } else if wanted(&name) {
            found.push(path);
        }
    }
}

/// Whether a file holds rules: YAML, but not the tests of a rule (`x.test.yaml`).
fn is_rule_file(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    stem.is_some_and(|stem| !stem.ends_with(".test"))
}

fn at(file: impl fmt::Display, problem: Problem) -> Diagnostic {
    let file = file.to_string().into();
    Diagnostic { file, problem }
}

/// What the files of a rule set hold, before it is checked and compiled.
#[derive(Default)]
pub(super) struct ParsedFiles {
    pub(super) rules: Vec<ParsedRule>,
    pub(super) filters: Vec<ParsedFilter>,
    pub(super) suppressions: Vec<ParsedSuppression>,
    /// The ids and names of rules with errors.
    pub(super) broken: Vec<String>,
}

/// Parses every file, before them the one that is tried. If two documents have the same id, the second one is reported as
/// an error and left out; a rule that is tried takes the place of the one with its id.
pub(super) fn parse(
    files: &[RuleFile],
    tried: Option<&RuleFile>,
    placeholders: &Placeholders,
    diagnostics: &mut Vec<Diagnostic>,
) -> ParsedFiles {
    let mut all = ParsedFiles::default();
    let mut ids = Ids::default();
    let mut values = 0;
    for file in tried.into_iter().chain(files) {
        let parsed = sigma::documents(&file.text, placeholders);
        values += parsed.compared_values();
        let mut problems = parsed.problems;
        all.broken.extend(parsed.broken);
        for rule in parsed.rules {
            match ids.add(&rule.id, rule.id_mark, file) {
                Ok(()) => all.rules.push(ParsedRule {
                    file: file.name.clone(),
                    rule,
                }),
                Err(_) if tried.is_some_and(|tried| ids.are_of(&rule.id, &tried.name)) => {}
                Err(problem) => problems.push(problem),
            }
        }
        for filter in parsed.filters {
            let added = match &filter.id {
                Some(id) => ids.add(id, filter.id_mark, file),
                None => Ok(()),
            };
            match added {
                Ok(()) => all.filters.push(ParsedFilter {
                    file: file.name.clone(),
                    filter,
                }),
                Err(problem) => problems.push(problem),
            }
        }
        for suppression in parsed.suppressions {
            match ids.add(&suppression.id, suppression.id_mark, file) {
                Ok(()) => all.suppressions.push(ParsedSuppression {
                    file: file.name.clone(),
                    suppression,
                }),
                Err(problem) => problems.push(problem),
            }
        }
        let located = problems.into_iter().map(|problem| at(&file.name, problem));
        diagnostics.extend(located);
        let documents = all.rules.len() + all.filters.len() + all.suppressions.len();
        let excess = match () {
            () if documents > MAX_SET_DOCUMENTS => Some(format!(
                "with this file, there are more than {MAX_SET_DOCUMENTS} rules, filters and suppressions"
            )),
            () if values > MAX_SET_VALUES => Some(format!(
                "with this file, the rules compare with more than {MAX_SET_VALUES} values, those of a selection counted \
                 each time that a condition names it"
            )),
            () => None,
        };
        if let Some(message) = excess {
            let problem = Problem::error(Mark::START, message);
            diagnostics.push(at(&file.name, problem.remedy("load fewer rules")));
            return ParsedFiles::default();
        }
    }
    all
}

/// The ids of documents, each with the place of its first use.
#[derive(Default)]
struct Ids(HashMap<RuleId, (Arc<str>, Mark)>);

impl Ids {
    /// Whether the first use of an id is in this file.
    fn are_of(&self, id: &RuleId, file: &str) -> bool {
        self.0.get(id).is_some_and(|(first, _)| &**first == file)
    }

    fn add(&mut self, id: &RuleId, mark: Mark, file: &RuleFile) -> Result<(), Problem> {
        if let Some((first, mark_of_first)) = self.0.get(id) {
            let Mark { line, column } = mark_of_first;
            let message = format!("id `{id}` is already used by {first}:{line}:{column}");
            let remedy = "give one of the two a new UUID";
            return Err(Problem::error(mark, message).remedy(remedy));
        }
        self.0.insert(id.clone(), (file.name.clone(), mark));
        Ok(())
    }
}
