//! What a reload does when the files are valid, and when they are not.

use super::*;
use crate::config;

const RULE: &str = "\
title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {}
detection: {selection: {api.operation: kafka.DeleteTopics}, condition: selection}
";

/// A configuration with the rules of a folder, and further lines.
fn configuration(folder: &Path, lines: &str) -> Config {
    let text = format!(
        "sources: {{a: {{bootstrap: x:1}}}}\ndestination: {{bootstrap: y:1}}\nrules: [{}]\n{lines}",
        folder.display()
    );
    config::from_parts(Some(("w.yaml", &text)), &[])
        .map_err(|faults| format!("{faults:?}"))
        .unwrap()
        .config
}

#[test]
fn placeholders_are_resolved_and_reloaded_with_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let rule = RULE.replace(
        "api.operation: kafka.DeleteTopics",
        "actor.user.uid|expand: '%admins%'",
    );
    std::fs::write(rules.join("rule.yaml"), &rule).unwrap();
    let file = folder.path().join("placeholders.yaml");
    let shown = |result: Result<Rulebook, Vec<Diagnostic>>| {
        let diagnostics = result.err().unwrap_or_default();
        let messages = diagnostics.into_iter().map(|d| d.problem.message);
        messages.collect::<Vec<_>>()
    };
    let without = configuration(&rules, "");
    assert_eq!(
        shown(Rulebook::load(&without)),
        ["placeholder `%admins%` has no value"]
    );
    let config = configuration(&rules, &format!("placeholders: {}\n", file.display()));
    std::fs::write(&file, "admins: []\n").unwrap();
    assert_eq!(
        shown(Rulebook::load(&config)),
        ["a placeholder without values"]
    );

    std::fs::write(&file, "admins: [u-1]\n").unwrap();
    let rulebook = Rulebook::load(&config).unwrap();
    let metrics = Metrics::new().unwrap();
    let hash = || rulebook.rules().snapshot().hash().to_owned();
    let (first, content) = (hash(), rulebook.content_hash());
    std::fs::write(&file, "admin: [u-2]\n").unwrap();
    assert_ne!(rulebook.content_hash(), content);
    rulebook.reload(&metrics);
    assert_eq!(
        hash(),
        first,
        "a rule without values for its placeholder is not put in force"
    );
    std::fs::write(&file, "admins: [u-2]\n").unwrap();
    rulebook.reload(&metrics);
    assert_ne!(hash(), first);
}

#[test]
fn a_rule_set_with_an_error_changes_nothing_and_a_valid_one_replaces_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rule.yaml");
    std::fs::write(&file, RULE).unwrap();
    let config = configuration(folder.path(), "");
    let rulebook = Rulebook::load(&config).unwrap();
    let metrics = Metrics::new().unwrap();
    let hash = || rulebook.rules().snapshot().hash().to_owned();
    let (first, content) = (hash(), rulebook.content_hash());

    std::fs::write(
        &file,
        RULE.replace("condition: selection", "condition: nothing"),
    )
    .unwrap();
    assert_ne!(rulebook.content_hash(), content);
    rulebook.reload(&metrics);
    assert_eq!(hash(), first);

    std::fs::write(&file, RULE.replace("DeleteTopics", "CreateTopics")).unwrap();
    rulebook.reload(&metrics);
    assert_ne!(hash(), first);
}

#[test]
fn a_fifo_among_the_rules_is_refused_and_neither_loading_nor_a_reload_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rule.yaml"), RULE).unwrap();
    let config = configuration(folder.path(), "");
    let rulebook = Rulebook::load(&config).unwrap();
    let hash = || rulebook.rules().snapshot().hash().to_owned();
    let (first, content) = (hash(), rulebook.content_hash());
    for name in ["x.fifo", "x.yaml"] {
        let path = folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }
    assert_ne!(rulebook.content_hash(), content);
    rulebook.reload(&Metrics::new().unwrap());
    assert_eq!(hash(), first);
    let refused = Rulebook::load(&config).unwrap_err();
    let [refused] = &refused[..] else {
        panic!("{refused:?}");
    };
    assert!(refused.file.ends_with("/x.yaml"), "{refused}");
    assert_eq!(refused.problem.message, "it is a FIFO, not a file");
}
