//! Which file imports which: `use` items and paths within the code, followed to the file that
//! defines what they name, through any file that only gives it on.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, spread};

/// For each file, the files that it imports. The binary's root is left out.
pub struct Imports(BTreeMap<String, BTreeSet<String>>);

/// What a path leads to: a module that is a file, and the name within it that comes next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    module: String,
    item: Option<String>,
}

/// A name that a `use` item brings into a file.
struct Brought {
    name: String,
    path: String,
    /// It is given on to others.
    is_public: bool,
}

/// The path of the module that a file is: `json::parse`, `json` for `json/mod.rs`, and nothing for
/// the root.
fn module_of(source: &Source) -> String {
    let path = source.path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" => String::new(),
        path => path.replace('/', "::"),
    }
}

fn join(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}::{name}"),
    }
}

/// A path from the crate's root, if it begins with `crate`, `self` or `super`.
pub fn target(source: &Source, path: &str) -> Option<String> {
    let module = module_of(source);
    let mut base: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match parts.next()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while parts.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        _ => return None,
    }
    base.extend(parts);
    Some(base.join("::"))
}

/// The `use` items of a file, each name by itself.
fn brought(source: &Source) -> Vec<Brought> {
    let mut all = Vec::new();
    for item in source.code.split(';') {
        let Some((before, tree)) = item.rsplit_once("use ") else {
            continue;
        };
        let is_public = before
            .lines()
            .next_back()
            .is_some_and(|line| line.trim_start().starts_with("pub"));
        let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut paths = BTreeSet::new();
        spread("", &tree, &mut paths);
        all.extend(paths.into_iter().map(|path| {
            let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
            let name = path.rsplit("::").next().unwrap_or_default().to_owned();
            Brought {
                name,
                path,
                is_public,
            }
        }));
    }
    all
}

impl Imports {
    pub fn of(sources: &[Source]) -> Imports {
        let sources: Vec<&Source> = sources.iter().filter(|s| s.path != "main.rs").collect();
        let files: BTreeMap<String, &str> = sources
            .iter()
            .map(|source| (module_of(source), source.path.as_str()))
            .collect();
        let items: Vec<Vec<Brought>> = sources.iter().map(|source| brought(source)).collect();
        let mut given_on = BTreeMap::new();
        for (source, items) in sources.iter().zip(&items) {
            for item in items {
                if let Some(named) = resolve(source, &item.path, &BTreeMap::new(), &files) {
                    given_on.insert((module_of(source), item.name.clone()), named);
                }
            }
        }
        let imports = sources.iter().zip(&items).map(|(source, items)| {
            let imported = imported(source, items, &files, &given_on);
            (source.path.clone(), imported)
        });
        Imports(imports.collect())
    }

    /// The sets of files of which each imports each, directly or by way of the others.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&String, BTreeSet<&String>> = self
            .0
            .keys()
            .map(|file| (file, self.reached_from(file)))
            .collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reached {
            let circle: Vec<String> = others
                .iter()
                .filter(|other| reached[*other].contains(file))
                .map(|other| (*other).clone())
                .collect();
            if !circle.is_empty() {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reached_from<'i>(&'i self, file: &String) -> BTreeSet<&'i String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = self.0[file].iter().collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(&self.0[next]);
            }
        }
        reached
    }
}

/// The files that a file imports. What it only gives on from below itself is no import.
fn imported(
    source: &Source,
    items: &[Brought],
    files: &BTreeMap<String, &str>,
    given_on: &BTreeMap<(String, String), Named>,
) -> BTreeSet<String> {
    let module = module_of(source);
    let aliases: BTreeMap<&str, Named> = items
        .iter()
        .filter_map(|item| {
            let named = resolve(source, &item.path, &BTreeMap::new(), files)?;
            Some((item.name.as_str(), named))
        })
        .collect();
    let mut given: BTreeSet<&str> = BTreeSet::new();
    for item in items.iter().filter(|item| item.is_public) {
        given.insert(&item.path);
    }
    let mut imported = BTreeSet::new();
    for path in source.paths() {
        let Some(mut named) = resolve(source, &path, &aliases, files) else {
            continue;
        };
        let is_below = module.is_empty() || named.module.starts_with(&format!("{module}::"));
        if given.contains(path.as_str()) && is_below {
            continue;
        }
        // A function may have the name of its module.
        if let (None, Some((above, name))) = (&named.item, named.module.rsplit_once("::")) {
            let namesake = given_on.get(&(above.to_owned(), name.to_owned()));
            named = namesake.cloned().unwrap_or(named);
        }
        // A name is given on through a few files at most.
        for _ in 0..8 {
            let Some(item) = &named.item else { break };
            match given_on.get(&(named.module.clone(), item.clone())) {
                Some(further) => named = further.clone(),
                None => break,
            }
        }
        if named.item.is_some() && named.module != module {
            imported.extend(files.get(&named.module).map(|file| (*file).to_owned()));
        }
    }
    imported
}

/// The file that a path leads to; `None` where that is another crate's, or no path at all.
fn resolve(
    source: &Source,
    path: &str,
    aliases: &BTreeMap<&str, Named>,
    files: &BTreeMap<String, &str>,
) -> Option<Named> {
    let module = module_of(source);
    let path = target(source, path).or_else(|| {
        let (first, rest) = path.split_once("::")?;
        if files.contains_key(&join(&module, first)) {
            return Some(join(&module, path));
        }
        let alias = aliases.get(first).filter(|alias| alias.item.is_none())?;
        Some(join(&alias.module, rest))
    })?;
    let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let module = (0..=parts.len())
        .rev()
        .map(|end| (end, parts[..end].join("::")));
    let (end, module) = module
        .into_iter()
        .find(|(_, module)| files.contains_key(module))?;
    Some(Named {
        module,
        item: parts.get(end).map(|item| (*item).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, code)| Source {
                path: (*path).to_owned(),
                code: (*code).to_owned(),
            })
            .collect();
        Imports::of(&sources).circles()
    }

    #[test]
    fn a_circle_of_imports_is_found_whatever_its_length() {
        let parse = ("json/parse.rs", "use super::node::{ValueKind, Node};");
        let node = ("json/node.rs", "use super::name::Tag;");
        let name = ("json/name.rs", "fn f() { crate::json::parse::parse(); }");
        let all = ["json/name.rs", "json/node.rs", "json/parse.rs"];
        assert_eq!(circles(&[parse, node, name]), [all]);
        let name = ("json/name.rs", "use crate::event::json::Other;");
        assert!(circles(&[parse, node, name]).is_empty());
    }

    #[test]
    fn what_a_folder_gives_on_is_an_import_of_the_file_that_defines_it() {
        let root = (
            "json/mod.rs",
            "pub use node::ValueKind;\npub use self::parse::parse;",
        );
        let node = ("json/node.rs", "use super::parse;\nfn f() { parse(); }");
        let parse = ("json/parse.rs", "use crate::json::ValueKind;");
        let pair = ["json/node.rs", "json/parse.rs"];
        assert_eq!(circles(&[root, node, parse]), [pair]);
        let node = ("json/node.rs", "");
        assert!(circles(&[root, node, parse]).is_empty());
    }

    #[test]
    fn a_folder_that_uses_a_file_and_is_used_by_it_is_a_circle() {
        let root = (
            "cli/mod.rs",
            "mod run;\npub struct Failure;\nfn f() { run::run(); }",
        );
        let run = ("cli/run.rs", "use super::Failure;");
        assert_eq!(circles(&[root, run]), [["cli/mod.rs", "cli/run.rs"]]);
    }

    #[test]
    fn a_path_through_an_imported_module_is_an_import() {
        let layers = (
            "config/layers.rs",
            "use super::notify;\nfn f() { notify::check(); }",
        );
        let notify = ("config/notify.rs", "use super::layers::PREFIX;");
        let pair = ["config/layers.rs", "config/notify.rs"];
        assert_eq!(circles(&[layers, notify]), [pair]);
    }
}
