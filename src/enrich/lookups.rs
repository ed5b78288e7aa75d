//! The files in which values of events are looked up: where they are, what they hold, and what was found in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::names::Names;
use super::networks::Networks;

/// A file in which values of events are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupFile {
    /// Names, owners and teams of ids.
    Names,
    /// Names, zones and owners of networks.
    Networks,
}

impl LookupFile {
    /// Every file.
    pub const ALL: [LookupFile; 2] = [LookupFile::Names, LookupFile::Networks];

    /// Metric label, and the word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            LookupFile::Names => "names",
            LookupFile::Networks => "networks",
        }
    }
}

/// Where the files are; without a path, nothing is looked up in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupFiles {
    /// The names file, YAML or CSV.
    pub names: Option<PathBuf>,
    /// The networks file, YAML or CSV.
    pub networks: Option<PathBuf>,
}

impl LookupFiles {
    /// The path of a file.
    pub fn path(&self, file: LookupFile) -> Option<&Path> {
        match file {
            LookupFile::Names => self.names.as_deref(),
            LookupFile::Networks => self.networks.as_deref(),
        }
    }

    /// The same, with those paths that `others` has in place of its own.
    pub fn or_else(self, others: LookupFiles) -> LookupFiles {
        LookupFiles {
            names: self.names.or(others.names),
            networks: self.networks.or(others.networks),
        }
    }
}

/// What the files hold. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// Names by id.
    pub names: Arc<Names>,
    /// Networks by address.
    pub networks: Arc<Networks>,
}

impl From<Names> for Lookups {
    fn from(names: Names) -> Lookups {
        Lookups {
            names: Arc::new(names),
            ..Lookups::default()
        }
    }
}

/// What became of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// The file knows the value.
    Hit,
    /// It does not.
    Miss,
}

impl LookupOutcome {
    /// Every outcome.
    pub const ALL: [LookupOutcome; 2] = [LookupOutcome::Hit, LookupOutcome::Miss];

    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            LookupOutcome::Hit => "hit",
            LookupOutcome::Miss => "miss",
        }
    }
}

/// How many values were looked up in each file, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupCounts([[u64; LookupOutcome::ALL.len()]; LookupFile::ALL.len()]);

impl LookupCounts {
    /// A value was looked up.
    pub fn add(&mut self, file: LookupFile, outcome: LookupOutcome) {
        self.0[file as usize][outcome as usize] += 1;
    }

    /// The number of look-ups of this outcome in the file.
    pub fn of(&self, file: LookupFile, outcome: LookupOutcome) -> u64 {
        self.0[file as usize][outcome as usize]
    }

    /// Counts what was found in a file, and returns it.
    pub(super) fn counted<T>(&mut self, file: LookupFile, found: Option<T>) -> Option<T> {
        self.add(
            file,
            match found {
                Some(_) => LookupOutcome::Hit,
                None => LookupOutcome::Miss,
            },
        );
        found
    }
}
