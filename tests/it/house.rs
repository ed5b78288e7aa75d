//! The architecture invariants of ARCHITECTURE.md, held by reading the sources.
//! A module's own tests may import what they like; its code may not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Modules without I/O, clock or async: functions of values.
const PURE: [&str; 13] = [
    "diagnostic",
    "printable",
    "json",
    "event",
    "normalize",
    "enrich",
    "sigma",
    "route",
    "alert",
    "correlate",
    "encode",
    "pipeline",
    "view",
];

/// What a pure module may not name.
const IMPURE: [&str; 11] = [
    "rdkafka",
    "tokio",
    "axum",
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "jiff::Timestamp::now",
];

/// Which modules a module may name. One that is not listed (`pipeline`, `roles`, `cli`, `config` and
/// the like) composes the others and is free.
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    // A text that a person can look at: whatever is shown goes through it.
    ("printable", &[]),
    // Reads and writes JSON, whoever asks.
    ("json", &[]),
    ("diagnostic", &["printable"]),
    ("yaml", &["diagnostic"]),
    // An event answers the field paths of rules.
    ("event", &["diagnostic", "json", "sigma", "yaml"]),
    // The language knows nothing of audit events.
    ("sigma", &["diagnostic", "yaml"]),
    ("rules", &["diagnostic", "sigma", "yaml"]),
    ("normalize", &["diagnostic", "event", "json", "yaml"]),
    ("enrich", &["diagnostic", "event", "json", "yaml"]),
    ("route", &["diagnostic", "event", "sigma", "yaml"]),
    // What matched, and by which rule.
    (
        "alert",
        &["diagnostic", "event", "json", "printable", "rules", "sigma"],
    ),
    ("encode", &["alert", "event", "json", "printable", "sigma"]),
    // What stands in the topics, read back.
    (
        "view",
        &["diagnostic", "event", "json", "printable", "sigma", "yaml"],
    ),
    ("kafka", &["event"]),
    // Told of alerts as they are read back; rules and events stay behind.
    (
        "notify",
        &["alert", "diagnostic", "event", "printable", "sigma"],
    ),
];

/// One `.rs` file without comments and without its unit tests.
struct Source {
    /// Path below `src`, with forward slashes.
    path: String,
    code: String,
}

impl Source {
    /// The top-level module: the first folder, or the file's name.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Every path named in the code, `use` groups written out: `a::{b, c}` is `a::b` and `a::c`.
    fn paths(&self) -> BTreeSet<String> {
        let mut paths: BTreeSet<String> = self
            .code
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .filter(|word| word.contains("::"))
            .map(|word| word.trim_matches(':').to_owned())
            .collect();
        for item in self.code.split(';') {
            if let Some((_, tree)) = item.rsplit_once("use ") {
                let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
                spread("", &tree, &mut paths);
            }
        }
        paths
    }
}

/// Writes out a `use` tree below `prefix`.
fn spread(prefix: &str, tree: &str, paths: &mut BTreeSet<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        if !name.is_empty() {
            paths.insert(format!("{prefix}{name}"));
        }
        return;
    };
    let Some(group) = group.strip_suffix('}') else {
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&prefix, &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    spread(&prefix, &group[start..], paths);
}

/// Whether `path` is `root` or lies below it; a root ending in part of a name covers `root…`.
fn is_below(path: &str, root: &str) -> bool {
    path == root
        || path.starts_with(&format!("{root}::"))
        || (root.ends_with("Tcp") && path.starts_with(root))
}

/// The code of a file: no comments, nothing from its `#[cfg(test)] mod` on.
fn code(text: &str) -> String {
    let text = text
        .find("#[cfg(test)]\nmod tests {")
        .map_or(text, |end| &text[..end]);
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn read(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let path = format!("{below}{name}");
        if entry.path().is_dir() {
            if name != "tests" {
                read(&entry.path(), &format!("{path}/"), sources);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = fs::read_to_string(entry.path()).expect("a source in UTF-8");
            sources.push(Source {
                path,
                code: code(&text),
            });
        }
    }
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read(&root, "", &mut sources);
    assert!(!sources.is_empty(), "no sources below {}", root.display());
    sources
}

/// Folders in which no file imports another that imports it, directly or by way of others.
const WITHOUT_CIRCLES: [&str; 1] = ["json"];

impl Source {
    /// The path of the module that the file is: `json::parse`, and `json` for `json/mod.rs`.
    fn module_path(&self) -> String {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        path.replace('/', "::")
    }

    /// The paths that it names, from the crate's root: `super::node::Kind` is `json::node::Kind`.
    fn named_modules(&self) -> Vec<String> {
        let module = self.module_path();
        let absolute = |path: String| {
            if let Some(path) = path.strip_prefix("crate::") {
                return path.to_owned();
            }
            let mut base: Vec<&str> = module.split("::").collect();
            let mut rest = path.strip_prefix("self::").unwrap_or(&path);
            while let Some(above) = rest.strip_prefix("super::") {
                base.pop();
                rest = above;
            }
            base.push(rest);
            base.join("::")
        };
        self.paths().into_iter().map(absolute).collect()
    }
}

/// The circle that leads from the last of these modules back to one of them.
fn circle<'m>(
    trail: &mut Vec<&'m str>,
    imports: &'m BTreeMap<String, BTreeSet<String>>,
    seen: &mut BTreeSet<&'m str>,
) -> Option<String> {
    let module = *trail.last()?;
    for import in imports.get(module).into_iter().flatten() {
        if let Some(start) = trail.iter().position(|name| name == import) {
            return Some(format!("{} -> {import}", trail[start..].join(" -> ")));
        }
        if seen.insert(import) {
            trail.push(import);
            let found = circle(trail, imports, seen);
            if found.is_some() {
                return found;
            }
            trail.pop();
        }
    }
    None
}

/// Which files of a folder each of them imports: the longest path that is a file's.
fn imports_within(folder: &str, sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let files = sources.iter().filter(|source| source.module() == folder);
    let modules: BTreeSet<String> = files.clone().map(Source::module_path).collect();
    let imports = files.map(|source| {
        let module = source.module_path();
        let named = source.named_modules().into_iter().filter_map(|path| {
            let of_path = modules.iter().filter(|module| is_below(&path, module));
            of_path.max_by_key(|module| module.len()).cloned()
        });
        let named = named.filter(|named| *named != module).collect();
        (module, named)
    });
    imports.collect()
}

/// `path names what` for each breach, or nothing.
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn pure_modules_do_no_io_and_read_no_clock() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.module())) {
        for path in source.paths() {
            if IMPURE.iter().any(|root| is_below(&path, root)) {
                breaches.push(format!("src/{} names {path}", source.path));
            }
        }
        if source.code.contains("async fn") || source.code.contains(".await") {
            breaches.push(format!("src/{} is async", source.path));
        }
    }
    assert_none(&breaches);
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
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    let sources = sources();
    let mut breaches = Vec::new();
    for folder in WITHOUT_CIRCLES {
        let imports = imports_within(folder, &sources);
        assert!(imports.len() > 1, "{folder} has files: {imports:?}");
        let mut seen = BTreeSet::new();
        for module in imports.keys() {
            breaches.extend(circle(&mut vec![module], &imports, &mut seen));
        }
    }
    assert_none(&breaches);
}

#[test]
fn a_circle_of_imports_is_found_whatever_its_length() {
    let file = |path: &str, code: &str| Source {
        path: path.into(),
        code: code.into(),
    };
    let found = |sources: &[Source]| {
        let imports = imports_within("json", sources);
        let mut seen = BTreeSet::new();
        let mut circles = imports
            .keys()
            .filter_map(|module| circle(&mut vec![module], &imports, &mut seen));
        circles.next()
    };
    let parse = file("json/parse.rs", "use super::node::{Kind, Node};");
    let node = file("json/node.rs", "use super::name::Tag;");
    let root = file(
        "json/mod.rs",
        "pub use node::Kind;\npub use self::parse::parse;",
    );
    let name = file("json/name.rs", "use crate::event::json::Other;");
    assert_eq!(found(&[parse, node, root, name]), None);
    let parse = file("json/parse.rs", "use super::node::{Kind, Node};");
    let node = file("json/node.rs", "use super::name::Tag;");
    let name = file("json/name.rs", "fn f() { crate::json::parse::parse(); }");
    let three = "json::name -> json::parse -> json::node -> json::name";
    assert_eq!(found(&[parse, node, name]).as_deref(), Some(three));
    // What the folder's own file gives on is a way round, too.
    let root = file("json/mod.rs", "pub use node::Kind;");
    let node = file("json/node.rs", "use super::Document;");
    let two = "json -> json::node -> json";
    assert_eq!(found(&[root, node]).as_deref(), Some(two));
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

#[test]
fn grouped_imports_are_written_out() {
    let source = Source {
        path: "event/mod.rs".into(),
        code: code(
            "//! use rdkafka::Nothing;\nuse std::{\n    fs,\n    time::{Instant as Clock, Duration},\n};\npub use crate::yaml::Node;\nfn f() { std::env::args(); }\n#[cfg(test)]\nmod tests {\n    use rdkafka::Nothing;\n}",
        ),
    };
    let paths = source.paths();
    for named in [
        "std::fs",
        "std::time::Instant",
        "std::time::Duration",
        "crate::yaml::Node",
        "std::env::args",
    ] {
        assert!(paths.contains(named), "{named} in {paths:?}");
    }
    assert!(!paths.iter().any(|path| is_below(path, "rdkafka")));
    assert_eq!(source.module(), "event");
}
