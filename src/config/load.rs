//! Loads the configuration from file and environment variables, or reports everything wrong in them.

use std::path::Path;

use super::build::build;
use super::model::Config;
use super::{layers, print};
use crate::diagnostic::{Problem, Severity};
use crate::input_file;
use crate::settings::{Fault, Section};
use crate::yaml;

/// A configuration and where each of its values comes from.
#[derive(Clone)]
pub struct Loaded {
    /// The typed values.
    pub config: Config,
    printed: String,
    warnings: Vec<Fault>,
}

impl Loaded {
    /// Faults for which the configuration is not refused.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The effective configuration as YAML, each value with its origin, secrets redacted.
    pub fn print(&self) -> &str {
        &self.printed
    }
}

/// What could be read of a configuration, valid or not.
pub struct Draft {
    /// Everything wrong in it.
    pub faults: Vec<Fault>,
    loaded: Option<Loaded>,
}

impl Draft {
    /// A configuration of which nothing could be read, for one reason: it hides all others.
    fn unreadable(fault: Fault) -> Draft {
        Draft {
            faults: vec![fault],
            loaded: None,
        }
    }

    /// The values as far as they can be read: faulty ones have their defaults or are empty. It may be
    /// used to find more faults, never to run.
    pub fn config(&self) -> Option<&Config> {
        self.loaded.as_ref().map(|loaded| &loaded.config)
    }

    /// The configuration, if nothing is wrong in it.
    ///
    /// # Errors
    /// Everything wrong in it.
    pub fn valid(self) -> Result<Loaded, Vec<Fault>> {
        match self.loaded {
            Some(loaded) if self.faults.is_empty() => Ok(loaded),
            _ => Err(self.faults),
        }
    }
}

/// Read `path` and the variables of this process.
///
/// # Errors
/// Everything wrong in either.
pub fn load(path: &Path) -> Result<Loaded, Vec<Fault>> {
    draft(path).valid()
}

/// Read `path` and the variables of this process, whatever is wrong in them.
pub fn draft(path: &Path) -> Draft {
    let name = path.display().to_string();
    let text = match input_file::read_text(path) {
        Ok(text) => text,
        Err(problem) => return Draft::unreadable(Fault::of_file(&name, problem)),
    };
    let variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
        .collect();
    draft_from_parts(Some((&name, &text)), &variables)
}

/// A configuration from the name and text of a file and from environment variables.
///
/// # Errors
/// Everything wrong in either.
pub fn from_parts(
    file: Option<(&str, &str)>,
    variables: &[(String, String)],
) -> Result<Loaded, Vec<Fault>> {
    draft_from_parts(file, variables).valid()
}

fn draft_from_parts(file: Option<(&str, &str)>, variables: &[(String, String)]) -> Draft {
    let root = file.map(|(name, text)| {
        let root = yaml::document(text).map_err(|problem| Fault::in_file(name, problem))?;
        match root.value {
            yaml::Value::Map(_) | yaml::Value::Null => Ok((name, root)),
            other => {
                let message = format!("the configuration is a map, not {}", other.kind());
                let problem = Problem::error(root.mark, message);
                let remedy = "write `key: value` lines; `watchbell init` writes an example";
                Err(Fault::in_file(name, problem.remedy(remedy)))
            }
        }
    });
    let root = match root.transpose() {
        Ok(root) => root,
        Err(fault) => return Draft::unreadable(fault),
    };
    let mut faults = Vec::new();
    let written = root.as_ref().map(|(name, root)| (*name, root));
    let mut refused = Vec::new();
    let merged = layers::merge(written, variables, &mut faults, &mut refused);
    let config = build(&Section::root(&merged), &mut faults);
    faults.retain(|fault| !fault.follows_from(&refused));
    let (warnings, faults) = faults
        .into_iter()
        .partition(|fault| fault.severity == Severity::Warning);
    let loaded = Loaded {
        config,
        printed: print::print(&merged),
        warnings,
    };
    Draft {
        faults,
        loaded: Some(loaded),
    }
}
