//! Loads the configuration from file and environment variables, or reports everything wrong in them.

use std::path::Path;

use super::build::build;
use super::model::Config;
use super::{layers, print};
use crate::diagnostic::Severity;
use crate::settings::{Fault, Section};

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
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let fault = Fault::new(name.as_str(), format!("not readable: {error}"));
            return Draft {
                faults: vec![fault],
                loaded: None,
            };
        }
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
    let mut faults = Vec::new();
    let merged = layers::merge(file, variables, &mut faults);
    let config = build(&Section::root(&merged), &mut faults);
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
