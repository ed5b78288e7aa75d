//! Finds and reads the test files beside the rules of packs, directories and single files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::case::RuleTests;
use super::parse::parse;
use crate::diagnostic::{Diagnostic, Problem};
use crate::rules::RuleSource;
use crate::rules::load::{read_text, search};
use crate::rules::pack::pack;
use crate::sigma::{self, Placeholders};

/// The sources of the rules that the test files of these sources belong to: a test file stands for its rule file.
pub fn rules_of(sources: &[RuleSource]) -> Vec<RuleSource> {
    let rules = sources.iter().map(|source| match source {
        RuleSource::Path(path) if is_test_file(path) => RuleSource::Path(rule_file_of(path)),
        source => source.clone(),
    });
    rules.collect()
}

/// Reads the tests of all sources, in the order of the sources and, within a source, of the names: those of a pack,
/// every `*.test.yaml` and `*.test.yml` of a directory and its subdirectories, the tests beside a rule file, or one
/// test file. A file that belongs to several sources is read once. A pack that does not exist has no tests.
///
/// # Errors
/// The errors of all test files. A test file whose rule file is missing, unreadable or without a valid rule is
/// such an error.
pub fn load(sources: &[RuleSource]) -> Result<Vec<RuleTests>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut tests = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |file: Arc<str>, read: &dyn Fn() -> Result<TestText, Diagnostic>| {
        if !seen.insert(file.clone()) {
            return;
        }
        let parsed = read().map_err(|diagnostic| vec![diagnostic]);
        let parsed = parsed.and_then(|text| text.parse(&file));
        match parsed {
            Ok(parsed) => tests.push(parsed),
            Err(problems) => diagnostics.extend(problems),
        }
    };
    let mut unsearched = Vec::new();
    for source in sources {
        match source {
            RuleSource::Pack(name) => {
                for (folder, file) in pack(name).into_iter().flatten() {
                    let test_name = file.name.replace(".yaml", ".test.yaml");
                    add(format!("pack:{folder}/{test_name}").into(), &|| {
                        Ok(TestText {
                            tests: file.tests.to_owned(),
                            rules: file.text.to_owned(),
                        })
                    });
                }
            }
            RuleSource::Path(path) => {
                for file in test_files(path, &mut unsearched) {
                    let name = file.display().to_string();
                    add(name.into(), &|| TestText::read(&file));
                }
            }
        }
    }
    diagnostics.extend(unsearched);
    match diagnostics.is_empty() {
        true => Ok(tests),
        false => Err(diagnostics),
    }
}

/// The texts of a test file and of its rule file.
struct TestText {
    tests: String,
    rules: String,
}

impl TestText {
    fn read(file: &Path) -> Result<TestText, Diagnostic> {
        Ok(TestText {
            tests: read_text(file)?,
            rules: read_text(&rule_file_of(file))?,
        })
    }

    fn parse(&self, file: &Arc<str>) -> Result<RuleTests, Vec<Diagnostic>> {
        let ids = sigma::documents(&self.rules, &Placeholders::default()).rule_ids();
        let located = |problem: Problem| Diagnostic {
            file: file.clone(),
            problem,
        };
        parse(&self.tests, &ids, file)
            .map_err(|problems| problems.into_iter().map(located).collect())
    }
}

/// The test files of a directory, of a rule file, or the test file itself.
fn test_files(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if path.is_dir() {
        let mut found = Vec::new();
        let wanted = |name: &str| is_test_file(Path::new(name));
        search(path, &wanted, &mut found, &mut HashSet::new(), diagnostics);
        return found;
    }
    if is_test_file(path) {
        return vec![path.to_owned()];
    }
    let beside = ["test.yaml", "test.yml"].map(|extension| path.with_extension(extension));
    beside.into_iter().filter(|file| file.exists()).collect()
}

fn is_test_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

/// The rule file that a test file belongs to: `x.yaml` for `x.test.yaml`, or `x.yml` if there is no `x.yaml`.
fn rule_file_of(file: &Path) -> PathBuf {
    let stem = file.with_extension("");
    let yaml = stem.with_extension("yaml");
    match yaml.exists() {
        true => yaml,
        false => match stem.with_extension("yml") {
            yml if yml.exists() => yml,
            _ => yaml,
        },
    }
}
