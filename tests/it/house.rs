//! The architecture invariants of ARCHITECTURE.md, held by reading the sources.
//! A module's own tests may import what they like; its code may not.

mod imports;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use imports::{Imports, target};
use sources::{is_below, sources};

/// Every top-level module. Each imports only those before it.
const ORDER: [&str; 35] = [
    "printable",
    "diagnostic",
    "input_file",
    "yaml",
    "json",
    "sigma",
    "vendors",
    "event",
    "ledger",
    "catalog",
    "files",
    "kafka",
    "enrich",
    "normalize",
    "rules",
    "route",
    "privacy",
    "alert",
    "encode",
    "finding",
    "notice",
    "pipeline",
    "settings",
    "notify",
    "observe",
    "config",
    "view",
    "archive",
    "query",
    "retry",
    "triage",
    "page",
    "web",
    "roles",
    "cli",
];

/// Files outside the modules: the root, and the binary that calls it.
const ROOTS: [&str; 2] = ["lib", "main"];

/// Modules with side effects of any kind: they may use everything of [`EFFECTS`].
const ACTING: [&str; 4] = ["kafka", "web", "roles", "cli"];

/// Modules that name some of [`EFFECTS`]. One that is neither here nor in [`ACTING`] is pure: its
/// functions are functions of values.
const SOME_EFFECTS: [(&str, &[&str]); 7] = [
    ("input_file", &["std::fs"]),
    ("rules", &["std::fs"]),
    ("query", &["std::thread", ASYNC, "tokio"]),
    // The border to the storage.
    ("archive", &[ASYNC, "std::env", "jiff::Timestamp::now"]),
    ("config", &["std::env"]),
    ("notify", &[ASYNC, "tokio", "jiff::Timestamp::now"]),
    (
        "observe",
        &[
            ASYNC,
            "tokio",
            "axum",
            "std::net::Tcp",
            "std::time::Instant",
            "std::time::SystemTime",
        ],
    ),
];

/// The effect of async code.
const ASYNC: &str = "async";

/// What makes a function more than one of values: I/O, clocks, threads, async.
const EFFECTS: [&str; 11] = [
    "tokio",
    "axum",
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "jiff::Timestamp::now",
];

/// Which modules a module may name. One that is not listed (`pipeline`, `roles`, `cli`, `config` and
/// the like) composes the others and is free.
const MAY_IMPORT: [(&str, &[&str]); 25] = [
    // A text that a person can look at: whatever is shown goes through it.
    ("printable", &[]),
    // Reads and writes JSON, whoever asks.
    ("json", &[]),
    // Data alone.
    ("vendors", &[]),
    ("diagnostic", &["printable"]),
    // Every file that a person names is opened here.
    ("input_file", &["diagnostic"]),
    ("yaml", &["diagnostic"]),
    // An event answers the field paths of rules.
    ("event", &["diagnostic", "json", "sigma", "vendors", "yaml"]),
    // The language knows nothing of audit events.
    ("sigma", &["diagnostic", "yaml"]),
    (
        "rules",
        &["diagnostic", "input_file", "sigma", "vendors", "yaml"],
    ),
    (
        "catalog",
        &["diagnostic", "event", "json", "vendors", "yaml"],
    ),
    (
        "normalize",
        &["catalog", "diagnostic", "event", "json", "vendors", "yaml"],
    ),
    ("enrich", &["diagnostic", "event", "json", "yaml"]),
    ("route", &["diagnostic", "event", "sigma", "yaml"]),
    // What outputs do not show; an output is JSON by then.
    ("privacy", &["diagnostic", "event", "json", "route", "yaml"]),
    // What matched, and by which rule.
    (
        "alert",
        &["catalog", "event", "printable", "rules", "sigma"],
    ),
    ("encode", &["event", "json", "printable"]),
    // An alert's OCSF form; the event in it is written by `encode`.
    ("finding", &["alert", "encode", "event", "json", "sigma"]),
    // What a person must know of an alert as it is read back.
    (
        "notice",
        &["alert", "event", "finding", "json", "printable", "sigma"],
    ),
    // What stands in the topics, as rows.
    (
        "archive",
        &[
            "event", "finding", "json", "ledger", "privacy", "vendors", "view",
        ],
    ),
    // What was read and published, as a chain of hashes.
    ("ledger", &["event"]),
    // What stands in the topics, read back.
    (
        "view",
        &[
            "diagnostic",
            "event",
            "finding",
            "json",
            "printable",
            "sigma",
            "vendors",
            "yaml",
        ],
    ),
    // What people decide of alerts.
    ("triage", &["encode", "finding", "printable", "sigma"]),
    ("kafka", &["event"]),
    // Told of alerts as they are read back; rules and events stay behind.
    (
        "notify",
        &[
            "diagnostic",
            "event",
            "notice",
            "printable",
            "privacy",
            "settings",
            "sigma",
            "vendors",
            "yaml",
        ],
    ),
    // What every part declares its configuration section with.
    (
        "settings",
        &["diagnostic", "input_file", "printable", "sigma", "yaml"],
    ),
];

/// `path names what` for each breach, or nothing.
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

fn is_effect_allowed(module: &str, effect: &str) -> bool {
    let some = SOME_EFFECTS.iter().find(|(named, _)| *named == module);
    ACTING.contains(&module) || some.is_some_and(|(_, allowed)| allowed.contains(&effect))
}

#[test]
fn pure_modules_do_no_io_start_no_thread_and_read_no_clock() {
    let mut breaches = Vec::new();
    let mut used = BTreeSet::new();
    for source in &sources() {
        if ROOTS.contains(&source.module()) {
            continue;
        }
        let mut note = |effect: &'static str, how: String| {
            used.insert((source.module().to_owned(), effect));
            if !is_effect_allowed(source.module(), effect) {
                breaches.push(format!("src/{} {how}", source.path));
            }
        };
        for path in source.paths() {
            if let Some(effect) = EFFECTS.into_iter().find(|root| is_below(&path, root)) {
                note(effect, format!("names {path}"));
            }
        }
        if source.code.contains("async ") || source.code.contains(".await") {
            note(ASYNC, "is async".to_owned());
        }
    }
    for (module, effects) in SOME_EFFECTS {
        for effect in effects {
            if !used.contains(&(module.to_owned(), *effect)) {
                breaches.push(format!(
                    "{module} no longer names {effect}: take it off the list"
                ));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn no_module_keeps_state_in_a_thread() {
    let sources = sources();
    let keeping = sources.iter().filter(|source| {
        source.code.contains("thread_local!") || source.code.contains("#[thread_local]")
    });
    let breaches = keeping.map(|source| format!("src/{} keeps state in a thread", source.path));
    assert_none(&breaches.collect::<Vec<_>>());
}

#[test]
fn the_kafka_client_appears_only_below_kafka() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|s| s.module() != "kafka") {
        for path in source.paths() {
            if is_below(&path, "rdkafka") {
                breaches.push(format!("src/{} names {path}", source.path));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn stages_import_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.into_iter().collect();
    let mut breaches = Vec::new();
    for source in &sources() {
        let Some(allowed) = table.get(source.module()) else {
            continue;
        };
        for path in source.paths() {
            let Some(named) = path.strip_prefix("crate::") else {
                continue;
            };
            let named = named.split("::").next().unwrap_or_default();
            if named != source.module() && !allowed.contains(&named) {
                breaches.push(format!("src/{} names {path}", source.path));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn nothing_imports_what_is_above_it() {
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    let mut breaches = Vec::new();
    let mut seen = BTreeSet::new();
    for source in &sources() {
        let module = source.module();
        if ROOTS.contains(&module) {
            continue;
        }
        seen.insert(module.to_owned());
        let Some(own) = place(module) else {
            breaches.push(format!("src/{} is of no module in the order", source.path));
            continue;
        };
        for path in source.paths() {
            let Some(path) = target(source, &path) else {
                continue;
            };
            let named = path.split("::").next().unwrap_or_default();
            if place(named).is_some_and(|named| named > own) {
                breaches.push(format!(
                    "src/{} names {path}, which is above it",
                    source.path
                ));
            }
        }
    }
    for module in ORDER {
        if !seen.contains(module) {
            breaches.push(format!("there is no module {module}"));
        }
    }
    assert_none(&breaches);
}

#[test]
fn no_files_import_each_other() {
    let circles = Imports::of(&sources()).circles();
    let breaches: Vec<String> = circles
        .iter()
        .map(|circle| format!("in a circle: {}", circle.join(", ")))
        .collect();
    assert_none(&breaches);
}

#[test]
fn every_file_begins_with_its_purpose() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    for source in sources() {
        let text = fs::read_to_string(root.join(&source.path)).expect("a source in UTF-8");
        let header = text.lines().take_while(|line| line.starts_with("//!"));
        if !(1..=8).contains(&header.count()) {
            breaches.push(format!("src/{}: a header of 1 to 8 lines", source.path));
        }
    }
    assert_none(&breaches);
}
