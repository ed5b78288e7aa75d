//! The rules and names in force, read again when their files change or on SIGHUP.
//! Invariant: rules or names with an error in them never replace those in force.

mod requests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::kafka::session::Shutdown;
use crate::observe::Metrics;
use crate::observe::metrics::Reloaded;
use crate::pipeline::{self, Catalogs, Names};
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource};
pub use requests::ReloadRequests;

/// A reload waits until no file has changed for this long, so that several changes are one reload.
const SETTLE: Duration = Duration::from_millis(300);

/// Longest time for which further changes delay a reload.
const LONGEST_SETTLE: Duration = Duration::from_secs(5);

/// How often the loop checks whether it is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Rules and names in force, and the files that they come from.
#[derive(Debug)]
pub struct Rulebook {
    catalogs: Arc<Catalogs>,
    rules: Arc<CurrentRules<pipeline::Path>>,
    names: Arc<ArcSwap<Names>>,
    rule_sources: Vec<RuleSource>,
    overrides: Overrides,
    names_path: Option<PathBuf>,
}

impl Rulebook {
    /// Read everything that a configuration names for the first time.
    ///
    /// # Errors
    /// Everything that is wrong in any file, warnings included.
    pub fn load(config: &Config) -> Result<Rulebook, Vec<Diagnostic>> {
        let (rules, names) = (config.rules.clone(), config.names.clone());
        Rulebook::read(rules, config.overrides.clone(), names)
    }

    /// Read rules, and a names file if there is one.
    ///
    /// # Errors
    /// Everything that is wrong in any file, warnings included.
    pub fn read(
        rule_sources: Vec<RuleSource>,
        overrides: Overrides,
        names_path: Option<PathBuf>,
    ) -> Result<Rulebook, Vec<Diagnostic>> {
        let catalogs = Arc::new(Catalogs::shipped()?);
        let rules = read_rules(&rule_sources, &catalogs, &overrides);
        let names = read_names(names_path.as_deref());
        let (rules, names) = match (rules, names) {
            (Ok(rules), Ok(names)) => (rules, names),
            (rules, names) => {
                let mut diagnostics = rules.err().unwrap_or_default();
                diagnostics.extend(names.err().into_iter().flatten());
                return Err(diagnostics);
            }
        };
        Ok(Rulebook {
            catalogs,
            rules: Arc::new(CurrentRules::new(rules)),
            names: Arc::new(ArcSwap::from_pointee(names)),
            rule_sources,
            overrides,
            names_path,
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

    /// The names in force.
    pub fn names(&self) -> Arc<ArcSwap<Names>> {
        self.names.clone()
    }

    /// Log and count the rules that are in force at the start.
    pub fn announce(&self, metrics: &Metrics) {
        let rules = self.rules.snapshot();
        for warning in rules.warnings() {
            tracing::warn!("{warning}");
        }
        metrics.rules_in_force(rules.rules().len());
        metrics.reloaded(Reloaded::Rules, true);
        metrics.reloaded(Reloaded::Names, true);
        let count = rules.rules().len();
        tracing::info!(rules = count, hash = rules.hash(), "rules in force");
    }

    /// Read everything again. Rules or names with an error are logged and counted, and change nothing.
    pub fn reload(&self, metrics: &Metrics) {
        match read_rules(&self.rule_sources, &self.catalogs, &self.overrides) {
            Ok(rules) => {
                let (count, hash) = (rules.rules().len(), rules.hash().to_owned());
                for warning in rules.warnings() {
                    tracing::warn!("{warning}");
                }
                let before = self.rules.replace(rules);
                metrics.rules_in_force(count);
                metrics.reloaded(Reloaded::Rules, true);
                let changed = before.hash() != hash;
                tracing::info!(rules = count, hash, changed, "rules reloaded");
            }
            Err(diagnostics) => refuse(Reloaded::Rules, &diagnostics, metrics),
        }
        match read_names(self.names_path.as_deref()) {
            Ok(names) => {
                self.names.store(Arc::new(names));
                metrics.reloaded(Reloaded::Names, true);
            }
            Err(diagnostics) => refuse(Reloaded::Names, &diagnostics, metrics),
        }
    }

    /// Watch the directories of rules and names; every change requests a reload. Watching ends when the
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
        let rules = self.rule_sources.iter().filter_map(|source| match source {
            RuleSource::Path(path) => Some(path.as_path()),
            RuleSource::Pack(_) => None,
        });
        rules.chain(self.names_path.as_deref())
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
        match std::fs::read(path) {
            Ok(content) => hash.update(Sha256::digest(content)),
            Err(error) => hash.update(error.to_string()),
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
    metrics.reloaded(what, false);
    let what = what.as_str();
    for diagnostic in diagnostics {
        tracing::error!(what, "{diagnostic}");
    }
    tracing::error!(what, "reload refused; those loaded before stay in force");
}

fn read_rules(
    sources: &[RuleSource],
    catalogs: &Catalogs,
    overrides: &Overrides,
) -> Result<RuleSet<pipeline::Path>, Vec<Diagnostic>> {
    RuleSet::load(
        sources,
        &pipeline::known(catalogs),
        overrides,
        &pipeline::Path::parse,
    )
}

/// Reads a names file, CSV or YAML; without a path, there are no names.
///
/// # Errors
/// Everything that is wrong in the file.
pub fn read_names(path: Option<&Path>) -> Result<Names, Vec<Diagnostic>> {
    let Some(path) = path else {
        return Ok(Names::default());
    };
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let problem = Problem::error(Mark::START, error.to_string());
        vec![Diagnostic {
            file: file.as_str().into(),
            problem,
        }]
    })?;
    if path.extension().is_some_and(|extension| extension == "csv") {
        Names::parse_csv(&text, &file)
    } else {
        Names::parse_yaml(&text, &file)
    }
}

#[cfg(test)]
mod tests;
