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
use crate::diagnostic::Diagnostic;
use crate::input_file;
use crate::kafka::session::Shutdown;
use crate::observe::Metrics;
use crate::observe::metrics::Reloaded;
use crate::pipeline::{self, Catalogs, Names};
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource};
use crate::sigma::Placeholders;
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
    /// The file of names.
    pub names: Option<PathBuf>,
}

impl RulebookFiles {
    /// What a configuration names.
    pub fn of(config: &Config) -> RulebookFiles {
        RulebookFiles {
            rules: config.rules.clone(),
            overrides: config.overrides.clone(),
            placeholders: config.placeholders.clone(),
            names: config.names.clone(),
        }
    }
}

/// Rules and names in force, and the files that they come from.
#[derive(Debug)]
pub struct Rulebook {
    catalogs: Arc<Catalogs>,
    rules: Arc<CurrentRules<pipeline::Path>>,
    names: Arc<ArcSwap<Names>>,
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
        let names = read_names(files.names.as_deref());
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
        match self.files.read_rules(&self.catalogs) {
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
        match read_names(self.files.names.as_deref()) {
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
        let files = &self.files;
        let rules = files.rules.iter().filter_map(|source| match source {
            RuleSource::Path(path) => Some(path.as_path()),
            RuleSource::Pack(_) => None,
        });
        let placeholders = files.placeholders.as_deref();
        rules.chain(placeholders).chain(files.names.as_deref())
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
    metrics.reloaded(what, false);
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

fn read_text(path: &Path) -> Result<String, Vec<Diagnostic>> {
    input_file::read_text(path).map_err(|problem| {
        let file = path.display().to_string().into();
        vec![Diagnostic { file, problem }]
    })
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
    let text = read_text(path)?;
    if path.extension().is_some_and(|extension| extension == "csv") {
        Names::parse_csv(&text, &file)
    } else {
        Names::parse_yaml(&text, &file)
    }
}

#[cfg(test)]
mod tests;
