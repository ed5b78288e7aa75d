//! The documents are correct: their rules and sinks can be parsed, and their links have targets.

use std::fs;
use std::path::{Path, PathBuf};

use watchbell::alert::BUILT_IN;
use watchbell::sigma;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files of the root, of `deploy` and of `docs`.
fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    for folder in ["", "deploy", "docs", "docs/adr"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder of documents") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents
}

/// The text of every fenced block in `language`.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn rules_in_the_documents_have_no_problems() {
    for document in ["README.md", "docs/rules.md"] {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        let rules: Vec<&str> = blocks(&text, "yaml")
            .into_iter()
            .filter(|block| block.starts_with("title:"))
            .collect();
        assert!(!rules.is_empty(), "no rule in {document}");
        for rule in rules {
            let parsed = sigma::documents(rule, &Default::default());
            assert!(
                parsed.problems.is_empty(),
                "{document}: {:?}",
                parsed.problems
            );
            let documents = parsed.rules.len() + parsed.filters.len() + parsed.suppressions.len();
            assert_eq!(documents, 1, "{document}");
        }
    }
}

#[test]
fn every_built_in_rule_is_documented_with_its_level() {
    let text =
        fs::read_to_string(root().join("docs/rule-reference.md")).expect("docs/rule-reference.md");
    for rule in BUILT_IN {
        let row = text.lines().find(|line| line.contains(rule.id));
        let row = row
            .unwrap_or_else(|| panic!("docs/rule-reference.md lacks {}, {}", rule.id, rule.title));
        assert!(row.ends_with(&format!("| {} |", rule.level)), "{row}");
    }
    // A built-in rule that is missing in BUILT_IN could not be disabled or found by its title.
    let written = fs::read_dir(root().join("src/alert")).expect("the module of alerts");
    let statics: usize = written
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a source"))
        .map(|source| source.matches(": BuiltIn = BuiltIn {").count())
        .sum();
    assert_eq!(BUILT_IN.len(), statics, "BUILT_IN lacks some");
}

#[test]
fn the_first_rule_has_ten_lines() {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md");
    let blocks = blocks(&text, "yaml");
    let rule = blocks.iter().find(|block| block.starts_with("title:"));
    assert_eq!(rule.expect("a first rule").lines().count(), 10);
}

#[test]
fn sinks_in_the_documents_can_be_configured() {
    let secrets = tempfile::tempdir().expect("a temporary directory");
    for (name, secret) in [("pagerduty", "KEY"), ("slack", "https://hooks.example/KEY")] {
        fs::write(secrets.path().join(name), secret).expect("a secret");
    }
    let there = format!("{}/", secrets.path().display());
    for document in ["README.md", "docs/notify.md"] {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        let sinks: Vec<&str> = blocks(&text, "yaml")
            .into_iter()
            .filter_map(|block| Some(&block[block.find("notify:\n")?..]))
            .collect();
        assert!(!sinks.is_empty(), "no sink in {document}");
        for sinks in sinks {
            let sinks = sinks.replace("/secrets/", &there);
            let minimal = "sources: {a: {bootstrap: a:1}}\ndestination: {bootstrap: b:1}\n";
            let config = format!("{minimal}{sinks}");
            let loaded = watchbell::config::from_parts(Some((document, &config)), &[]);
            let loaded = loaded.unwrap_or_else(|faults| panic!("{document}: {faults:?}"));
            assert!(!loaded.config.sinks.is_empty(), "{document}");
        }
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let words: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    words.replace(' ', "-")
}

fn has_heading(document: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(document).expect("a document");
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

#[test]
fn links_between_documents_lead_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        let folder = document.parent().expect("a folder");
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => folder.join(file),
            };
            if !target.exists() || !(heading.is_empty() || has_heading(&target, heading)) {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_list_of_what_a_request_says_is_documented_with_its_members() {
    let text = fs::read_to_string(root().join("docs/sigma.md")).expect("docs/sigma.md");
    for path in watchbell::event::Path::facts() {
        let segments: Vec<_> = path.split('.').collect();
        let start = format!("| `{}` |", segments[..3].join("."));
        let row = text.lines().find(|line| line.starts_with(&start));
        let members = row.and_then(|row| row.split('|').nth(2));
        let is_named = |members: &str| match segments.get(3) {
            Some(member) => members.contains(&format!("`{member}`")),
            None => members.trim() == "–",
        };
        assert!(members.is_some_and(is_named), "docs/sigma.md lacks {path}");
    }
}
