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

#[test]
fn a_rule_set_with_an_error_changes_nothing_and_a_valid_one_replaces_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rule.yaml");
    std::fs::write(&file, RULE).unwrap();
    let text = format!(
        "sources: {{a: {{bootstrap: x:1}}}}\ndestination: {{bootstrap: y:1}}\nrules: [{}]\n",
        folder.path().display()
    );
    let config = config::from_parts(Some(("w.yaml", &text)), &[])
        .map_err(|faults| format!("{faults:?}"))
        .unwrap()
        .config;
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
