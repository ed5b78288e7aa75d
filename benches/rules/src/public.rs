//! A directory of public rules, as watchbell and rsigma load it.

use std::fs;
use std::path::{Path, PathBuf};

use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use watchbell::sigma::{Placeholders, Rule, documents};

/// What each makes of a rule.
pub struct PublicRule {
    pub file: PathBuf,
    pub ours: Result<Rule, String>,
    pub theirs: Result<SigmaRule, String>,
}

/// Every rule below a directory, in the order of the paths. Each file has one rule.
pub fn load(directory: &Path) -> Vec<PublicRule> {
    let mut files = Vec::new();
    search(directory, &mut files);
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn search(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of rules") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, files);
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yml" || ending == "yaml")
        {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> PublicRule {
    let text = fs::read_to_string(file).expect("a rule");
    let mut parsed = documents(&text, &Placeholders::default());
    let ours = match parsed.rules.pop() {
        Some(rule) => Ok(rule),
        None => {
            let errors = parsed
                .problems
                .iter()
                .filter(|problem| !problem.is_warning());
            Err(errors
                .map(|problem| problem.message.clone())
                .collect::<Vec<_>>()
                .join("; "))
        }
    };
    let theirs = match parse_sigma_yaml(&text) {
        Ok(mut parsed) => match parsed.rules.pop() {
            Some(rule) => Ok(rule),
            None => Err(parsed.errors.join("; ")),
        },
        Err(error) => Err(error.to_string()),
    };
    PublicRule {
        file: file.to_owned(),
        ours,
        theirs,
    }
}
