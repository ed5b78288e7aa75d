//! Rule files: where they are, what is in them.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::parsed_rule::ParsedRule;
use super::{fingerprint, pack};
use crate::diagnostic::{Diagnostic, Mark, Problem, nearest};
use crate::sigma::{self, RuleId};

/// Where rules come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSource {
    /// `pack:<name>`: rules compiled into the binary.
    Pack(String),
    /// A directory, searched at every depth, or one file.
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

/// A rule file's name and text.
pub(super) struct RuleFile {
    pub(super) name: Arc<str>,
    pub(super) text: String,
}

/// Reads every file of the sources, each once, in the order of the sources and of names.
pub(super) fn read(sources: &[RuleSource], diagnostics: &mut Vec<Diagnostic>) -> Vec<RuleFile> {
    let mut files = Vec::new();
    for source in sources {
        match source {
            RuleSource::Pack(name) => match pack::pack(name) {
                Some(shipped) => files.extend(shipped.map(|(folder, file)| RuleFile {
                    name: format!("pack:{folder}/{}", file.name).into(),
                    text: file.text.to_owned(),
                })),
                None => {
                    let near = nearest(name, pack::pack_names());
                    let shipped = pack::pack_names().collect::<Vec<_>>().join(", ");
                    let remedy = match near {
                        Some(near) => format!("did you mean `pack:{near}`?"),
                        None => format!("the packs are: {shipped}"),
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
    files
}

fn read_path(path: &Path, files: &mut Vec<RuleFile>, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    if path.is_dir() {
        search(
            path,
            &|name| is_rule(name),
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
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push(RuleFile {
                name: path.display().to_string().into(),
                text,
            }),
            Err(error) => diagnostics.push(unreadable(&path, &error)),
        }
    }
}

/// Finds files by name at every depth, in the order of names. Names that begin with a dot are left out:
/// a mounted ConfigMap keeps its files in such directories and links to them.
pub(super) fn search(
    directory: &Path,
    wanted: &dyn Fn(&str) -> bool,
    found: &mut Vec<PathBuf>,
    visited: &mut HashSet<PathBuf>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let listed = directory.canonicalize().and_then(|true_path| {
        let first_visit = visited.insert(true_path);
        let entries = first_visit.then(|| directory.read_dir()).transpose()?;
        entries.into_iter().flatten().collect::<Result<Vec<_>, _>>()
    });
    let mut paths: Vec<PathBuf> = match listed {
        Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
        Err(error) => {
            diagnostics.push(unreadable(directory, &error));
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

fn is_rule(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    stem.is_some_and(|stem| !stem.ends_with(".test"))
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let problem = Problem::error(Mark::START, format!("not readable: {error}"));
    at(path.display(), problem)
}

fn at(file: impl fmt::Display, problem: Problem) -> Diagnostic {
    let file = file.to_string().into();
    Diagnostic { file, problem }
}

/// Parses every file. Of two rules with one id, the second is reported and left out.
pub(super) fn parse(files: &[RuleFile], diagnostics: &mut Vec<Diagnostic>) -> Vec<ParsedRule> {
    let mut written: Vec<ParsedRule> = Vec::new();
    let mut places: HashMap<RuleId, (Arc<str>, Mark)> = HashMap::new();
    for file in files {
        let parsed = sigma::rules(&file.text);
        let mut problems = parsed.problems;
        for rule in parsed.rules {
            if let Some((first, mark)) = places.get(&rule.id) {
                let (line, column) = (mark.line, mark.column);
                let message = format!(
                    "id `{}` is already used by {first}:{line}:{column}",
                    rule.id
                );
                let remedy = "give one of the two rules a new UUID";
                problems.push(Problem::error(rule.id_mark, message).remedy(remedy));
                continue;
            }
            places.insert(rule.id.clone(), (file.name.clone(), rule.id_mark));
            written.push(ParsedRule {
                version: fingerprint::version(&rule),
                file: file.name.clone(),
                rule,
            });
        }
        let located = problems.into_iter().map(|problem| at(&file.name, problem));
        diagnostics.extend(located);
    }
    written
}
