//! The sources as the checks of the architecture see them: code without comments and unit tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One `.rs` file without comments and without its unit tests.
pub struct Source {
    /// Path below `src`, with forward slashes.
    pub path: String,
    pub code: String,
}

impl Source {
    /// The top-level module: the first folder, or the file's name.
    pub fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Every path named in the code, `use` groups written out: `a::{b, c}` is `a::b` and `a::c`.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut paths: BTreeSet<String> = self
            .code
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .filter(|word| word.contains("::"))
            .map(|word| word.trim_matches(':').to_owned())
            .collect();
        let mut imported = BTreeSet::new();
        for item in self.code.split(';') {
            if let Some((_, tree)) = item.rsplit_once("use ") {
                let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
                spread("", &tree, &mut imported);
            }
        }
        // `Timestamp::now` after `use jiff::Timestamp` is `jiff::Timestamp::now`.
        let whole = |path: &String| {
            let (head, rest) = path.split_once("::")?;
            let mut imports = imported.iter();
            let import = imports.find(|import| import.rsplit("::").next() == Some(head))?;
            Some(format!("{import}::{rest}"))
        };
        paths.extend(paths.iter().filter_map(whole).collect::<Vec<_>>());
        paths.append(&mut imported);
        paths
    }
}

/// Writes out a `use` tree below `prefix`.
pub fn spread(prefix: &str, tree: &str, paths: &mut BTreeSet<String>) {
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
pub fn is_below(path: &str, root: &str) -> bool {
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

pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read(&root, "", &mut sources);
    assert!(!sources.is_empty(), "no sources below {}", root.display());
    sources
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
