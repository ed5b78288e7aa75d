//! The files in which values of events are looked up: where they are, what they hold, and what was found in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::geoip::Database;
use super::names::Names;
use super::networks::Networks;

/// A file in which values of events are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupFile {
    /// Names, owners and teams of ids.
    Names,
    /// Names, zones and owners of networks.
    Networks,
    /// Places of addresses.
    City,
    /// Autonomous systems of addresses.
    Asn,
}

impl LookupFile {
    /// Every file.
    pub const ALL: [LookupFile; 4] = [Self::Names, Self::Networks, Self::City, Self::Asn];

    /// Metric label, and the word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            LookupFile::Names => "names",
            LookupFile::Networks => "networks",
            LookupFile::City => "city",
            LookupFile::Asn => "asn",
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
    /// A City or Country database in MaxMind's format.
    pub city: Option<PathBuf>,
    /// An ASN database in MaxMind's format.
    pub asn: Option<PathBuf>,
}

impl LookupFiles {
    /// The path of a file.
    pub fn path(&self, file: LookupFile) -> Option<&Path> {
        match file {
            LookupFile::Names => self.names.as_deref(),
            LookupFile::Networks => self.networks.as_deref(),
            LookupFile::City => self.city.as_deref(),
            LookupFile::Asn => self.asn.as_deref(),
        }
    }

    /// The same, with those paths that `others` has in place of its own.
    pub fn or_else(self, others: LookupFiles) -> LookupFiles {
        LookupFiles {
            names: self.names.or(others.names),
            networks: self.networks.or(others.networks),
            city: self.city.or(others.city),
            asn: self.asn.or(others.asn),
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
    /// Places by address.
    pub city: Option<Arc<Database>>,
    /// Autonomous systems by address.
    pub asn: Option<Arc<Database>>,
}

impl Lookups {
    /// Whether anything is looked up by address.
    pub(super) fn knows_addresses(&self) -> bool {
        !self.networks.is_empty() || self.knows_places()
    }

    /// Whether there is a database of places or autonomous systems.
    pub(super) fn knows_places(&self) -> bool {
        self.city.is_some() || self.asn.is_some()
    }
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
    /// The file cannot be read there.
    Error,
}

impl LookupOutcome {
    /// Every outcome.
    pub const ALL: [LookupOutcome; 3] = [Self::Hit, Self::Miss, Self::Error];

    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            LookupOutcome::Hit => "hit",
            LookupOutcome::Miss => "miss",
            LookupOutcome::Error => "error",
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
