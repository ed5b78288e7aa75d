//! The rules in force and the files in which values of events are looked up, read again when they change or on SIGHUP.
//! Invariant: what has an error in it never replaces what is in force.

mod lookups;
mod requests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::enrich::{LookupFile, LookupFiles, Lookups};
use crate::input_file;
use crate::kafka::session::Shutdown;
use crate::observe::Metrics;
use crate::observe::metrics::Reloaded;
use crate::pipeline::{self, Catalogs, OutputList, Pipeline};
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource};
use crate::sigma::Placeholders;
pub use lookups::read_lookups;
use lookups::read_text;
pub use requests::ReloadRequests;

/// A reload waits until no file has changed for this long, so that several changes are one reload.
const SETTLE: Duration = Duration::from_millis(300);

/// Longest time for which further changes delay a reload.
const LONGEST_SETTLE: Duration = Duration::from_secs(5);

/// How often the loop checks whether it is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What rules and names are read from.
#[derive(Debug, Clone)]
pub struct RulebookFiles {
    /// Packs, files and directories of rules.
    pub rules: Vec<RuleSource>,
    /// Rules that are disabled or changed.
    pub overrides: Overrides,
    /// The file with the values of placeholders.
    pub placeholders: Option<PathBuf>,
    /// The files in which values of events are looked up.
    pub lookups: LookupFiles,
}

impl RulebookFiles {
    /// What a configuration names.
    pub fn of(config: &Config) -> RulebookFiles {
        RulebookFiles {
            rules: config.rules.clone(),
            overrides: config.overrides.clone(),
            placeholders: config.placeholders.clone(),
            lookups: config.lookups.clone(),
        }
    }
}

/// Rules and names in force, and the files that they come from.
#[derive(Debug)]
pub struct Rulebook {
    catalogs: Arc<Catalogs>,
    rules: Arc<CurrentRules<pipeline::Path>>,
    lookups: Arc<ArcSwap<Lookups>>,
    files: RulebookFiles,
}

impl Rulebook {
    /// Read everything that a configuration names for the first time.
    ///
    /// # Errors
    /// Everything that is wrong in any file, warnings included.
    pub fn load(config: &Config) -> Result<Rulebook, Vec<Diagnostic>> {
        Rulebook::read(RulebookFiles::of(config))
    }

    /// Read everything for the first time.
    ///
    /// # Errors
    /// Everything that is wrong in any file, warnings included.
    pub fn read(files: RulebookFiles) -> Result<Rulebook, Vec<Diagnostic>> {
        let catalogs = Arc::new(Catalogs::shipped()?);
        let rules = files.read_rules(&catalogs);
        let lookups = read_lookups(&files.lookups);
        let (rules, lookups) = match (rules, lookups) {
            (Ok(rules), Ok(lookups)) => (rules, lookups),
            (rules, lookups) => {
                let mut diagnostics = rules.err().unwrap_or_default();
                diagnostics.extend(lookups.err().into_iter().flatten());
                return Err(diagnostics);
            }
        };
        Ok(Rulebook {
            catalogs,
            rules: Arc::new(CurrentRules::new(rules)),
            lookups: Arc::new(ArcSwap::from_pointee(lookups)),
            files,
        })
    }

    /// The catalogues of the vendors' methods.
    pub fn catalogs(&self) -> Arc<Catalogs> {
        self.catalogs.clone()
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<CurrentRules<pipeline::Path>> {
        self.rules.clone()
    }

    /// What values of events are looked up in.
    pub fn lookups(&self) -> Arc<ArcSwap<Lookups>> {
        self.lookups.clone()
    }

    /// The pipeline of a configuration, with these rules and names, and with routes, noise policy and privacy.
    pub fn pipeline(&self, config: &Config, outputs: OutputList) -> Pipeline {
        Pipeline::new(outputs, self.catalogs(), self.rules(), self.lookups())
            .routed(config.routes.clone(), config.noise)
            .private(config.privacy.clone())
    }

    /// Log and count the rules that are in force at the start.
    pub fn announce(&self, metrics: &Metrics) {
        let rules = self.rules.snapshot();
        for warning in rules.warnings() {
            tracing::warn!("{warning}");
        }
        metrics.rules_in_force(rules.rules().len());
        metrics.reloaded(Reloaded::Rules, Ok(()));
        for file in LookupFile::ALL {
            if self.files.lookups.path(file).is_some() {
                metrics.reloaded(Reloaded::Lookup(file), Ok(()));
            }
        }
        let count = rules.rules().len();
        tracing::info!(rules = count, hash = rules.hash(), "rules in force");
    }

    /// Read everything again. What has an error in it is logged and counted, and changes nothing.
    pub fn reload(&self, metrics: &Metrics) {
        match self.files.read_rules(&self.catalogs) {
            Ok(rules) => {
                let (count, hash) = (rules.rules().len(), rules.hash().to_owned());
                for warning in rules.warnings() {
                    tracing::warn!("{warning}");
                }
                let before = self.rules.replace(rules);
                metrics.rules_in_force(count);
                metrics.reloaded(Reloaded::Rules, Ok(()));
                let changed = before.hash() != hash;
                tracing::info!(rules = count, hash, changed, "rules reloaded");
            }
            Err(diagnostics) => refuse(Reloaded::Rules, &diagnostics, metrics),
        }
        let mut lookups = (**self.lookups.load()).clone();
        for file in LookupFile::ALL {
            if self.files.lookups.path(file).is_none() {
                continue;
            }
            match lookups::read(&self.files.lookups, file, &mut lookups) {
                Ok(()) => metrics.reloaded(Reloaded::Lookup(file), Ok(())),
                Err(diagnostics) => refuse(Reloaded::Lookup(file), &diagnostics, metrics),
            }
        }
        self.lookups.store(Arc::new(lookups));
    }

    /// Watch the directories of all files; every change requests a reload. Watching ends when the
    /// watcher is dropped.
    ///
    /// # Errors
    /// The operating system refuses to watch a directory.
    pub fn watch(&self, requests: Arc<ReloadRequests>) -> notify::Result<RecommendedWatcher> {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<_>| {
            let read_only = event.is_ok_and(|event: notify::Event| event.kind.is_access());
            if !read_only {
                requests.changed();
            }
        })?;
        let directories: BTreeSet<(PathBuf, bool)> = self
            .paths()
            .map(|path| match path.is_dir() {
                true => (path.to_owned(), true),
                // Editors and deployments replace a file; only its directory reports that.
                false => (directory_of(path).to_owned(), false),
            })
            .collect();
        for (directory, deep) in directories {
            let mode = if deep {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            watcher.watch(&directory, mode)?;
        }
        Ok(watcher)
    }

    /// Carry out reload requests until asked to stop.
    pub fn serve(&self, requests: &ReloadRequests, shutdown: &Shutdown, metrics: &Metrics) {
        let mut loaded = self.content_hash();
        while !shutdown.is_requested() {
            let Some(mut requested) = requests.wait(POLL_INTERVAL) else {
                continue;
            };
            let latest = Instant::now() + LONGEST_SETTLE;
            while Instant::now() < latest
                && let Some(more) = requests.wait(SETTLE)
            {
                requested.forced |= more.forced;
            }
            let now = self.content_hash();
            if requested.forced || now != loaded {
                loaded = now;
                self.reload(metrics);
            }
        }
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = &self.files;
        let rules = files.rules.iter().filter_map(|source| match source {
            RuleSource::Path(path) => Some(path.as_path()),
            RuleSource::Pack(_) => None,
        });
        let placeholders = files.placeholders.as_deref();
        let lookups = LookupFile::ALL.into_iter();
        let lookups = lookups.filter_map(|file| files.lookups.path(file));
        rules.chain(placeholders).chain(lookups)
    }

    /// SHA-256 over the names and contents of all files.
    fn content_hash(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        for path in self.paths() {
            hash_path(path, 0, &mut hash);
        }
        hash.finalize().to_vec()
    }
}

/// Deepest directory that is read: a symbolic link may lead back to a directory above it.
const MAX_DEPTH: usize = 32;

fn hash_path(path: &Path, depth: usize, hash: &mut Sha256) {
    if let Ok(entries) = path.read_dir() {
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default();
            // Names that begin with a dot are not rules; a mounted ConfigMap keeps old files there.
            if depth < MAX_DEPTH && !name.to_string_lossy().starts_with('.') {
                hash_path(&path, depth + 1, hash);
            }
        }
    } else {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update([0]);
        match input_file::read(path) {
            Ok(content) => hash.update(Sha256::digest(content)),
            Err(problem) => hash.update(problem.message),
        }
    }
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refuse(what: Reloaded, diagnostics: &[Diagnostic], metrics: &Metrics) {
    let problems: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    metrics.reloaded(what, Err(problems.join("\n")));
    let what = what.as_str();
    for diagnostic in diagnostics {
        tracing::error!(what, "{diagnostic}");
    }
    tracing::error!(what, "reload refused; those loaded before stay in force");
}

impl RulebookFiles {
    fn read_rules(&self, catalogs: &Catalogs) -> Result<RuleSet<pipeline::Path>, Vec<Diagnostic>> {
        load_rules(
            &self.rules,
            catalogs,
            &self.overrides,
            self.placeholders.as_deref(),
        )
    }
}

/// Reads rules with the values of their placeholders; without a path, placeholders have no values.
///
/// # Errors
/// Everything that is wrong in the rules and the file of placeholders, warnings included.
pub fn load_rules(
    sources: &[RuleSource],
    catalogs: &Catalogs,
    overrides: &Overrides,
    placeholders: Option<&Path>,
) -> Result<RuleSet<pipeline::Path>, Vec<Diagnostic>> {
    let mut known = pipeline::known(catalogs);
    let wrong = match read_placeholders(placeholders) {
        Ok(placeholders) => {
            known.placeholders = placeholders;
            Vec::new()
        }
        Err(diagnostics) => {
            known.placeholders = Placeholders::unknown();
            diagnostics
        }
    };
    let rules = RuleSet::load(sources, &known, overrides, &pipeline::Path::parse);
    match rules {
        Ok(rules) if wrong.is_empty() => Ok(rules),
        rules => Err(wrong
            .into_iter()
            .chain(rules.err().into_iter().flatten())
            .collect()),
    }
}

/// Reads a file of placeholders; without a path, there are none.
///
/// # Errors
/// Everything that is wrong in the file.
pub fn read_placeholders(path: Option<&Path>) -> Result<Placeholders, Vec<Diagnostic>> {
    match path {
        Some(path) => Placeholders::parse(&read_text(path)?, &path.display().to_string()),
        None => Ok(Placeholders::default()),
    }
}

#[cfg(test)]
mod tests;
