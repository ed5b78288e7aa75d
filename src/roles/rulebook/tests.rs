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

#[test]
fn a_broken_file_keeps_what_it_said_and_the_others_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("rule.yaml"), RULE).unwrap();
    let [names, networks] = ["names.yaml", "networks.csv"].map(|name| folder.path().join(name));
    let write = |name: &str, network: &str| {
        std::fs::write(&names, format!("u-1: {{name: {name}}}\n")).unwrap();
        std::fs::write(&networks, format!("cidr,name\n{network}\n")).unwrap();
    };
    let lines = format!(
        "names: {}\nnetworks: {}\n",
        names.display(),
        networks.display()
    );
    let config = configuration(&rules, &lines);
    write("Ada", "10.1.2.3/16,office");
    let wrong = Rulebook::load(&config).map(|_| ()).unwrap_err();
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let expected = format!(
        "{}:2:1: error: `10.1.2.3/16` has bits set after its prefix\n  help: write `10.1.0.0/16`, or a longer prefix",
        networks.display()
    );
    assert_eq!(wrong, std::slice::from_ref(&expected));

    write("Ada", "10.1.0.0/16,office");
    let rulebook = Rulebook::load(&config).unwrap();
    let metrics = Metrics::new().unwrap();
    rulebook.announce(&metrics);
    let said = || {
        let lookups = rulebook.lookups().load_full();
        let name = lookups.names.lookup("u-1").unwrap().facts.name.to_string();
        let network = lookups.networks.lookup([10, 1, 2, 3].into());
        (name, network.map(|found| found.facts.name.to_string()))
    };
    assert_eq!(said(), ("Ada".to_owned(), Some("office".to_owned())));
    let content = rulebook.content_hash();
    write("Grace", "10.1.2.3/16,elsewhere");
    assert_ne!(rulebook.content_hash(), content);
    rulebook.reload(&metrics);
    assert_eq!(said(), ("Grace".to_owned(), Some("office".to_owned())));
    let reloads = metrics.last_reloads();
    assert_eq!(reloads["networks"], Err(expected));
    assert_eq!([&reloads["names"], &reloads["rules"]], [&Ok(()), &Ok(())]);
    write("Grace", "10.0.0.0/8,elsewhere");
    rulebook.reload(&metrics);
    assert_eq!(said().1.as_deref(), Some("elsewhere"));
    assert_eq!(metrics.last_reloads()["networks"], Ok(()));
}
