//! The section `privacy`: which outputs get which policy, and what is refused.

use super::*;
use crate::privacy::Policy;

/// The smallest configuration with a route, a sink, and this section.
fn with(section: &str) -> String {
    let rest = "
routes: [{name: team, to: team.events, shape: raw}]
notify: {chat: {type: webhook, url: 'https://example.com/hook'}}
";
    format!("{SMALLEST}{rest}privacy:\n{section}")
}

const POLICIES: &str = "  policies: [{name: people, fields: {actor.user.uid: pseudonym, src_endpoint.ip: drop}, topics: [watchbell.events], sinks: [chat]}]\n";

fn key_file(bytes: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        &"kkkk0123456789abcdef0123456789abcdef"[..bytes],
    )
    .unwrap();
    file
}

#[test]
fn each_output_gets_its_policy_and_dead_letters_are_sealed() {
    let key = key_file(32);
    let section = format!("{POLICIES}  key_file: {}\n", key.path().display());
    let config = loaded(&with(&section), &[]).config;
    let policies = &config.privacy;
    assert!(policies.seals_dead_letters());
    assert_eq!(policies.of_topic("watchbell.events"), Some(0));
    assert_eq!(policies.of_topic("watchbell.alerts"), None);
    let name = |policy: &Policy| policy.name.clone();
    assert_eq!(
        config.sinks[0].policy.as_deref().map(name),
        Some("people".into())
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("kkkk"), "{shown}");
    let open = loaded(&with("  dead_letters: keep\n"), &[]).config;
    assert!(!open.privacy.seals_dead_letters());
    let sealed = loaded(&with("  dead_letters: seal\n"), &[]).config;
    assert!(sealed.privacy.seals_dead_letters());
    assert!(!loaded(SMALLEST, &[]).config.privacy.seals_dead_letters());
}

#[test]
fn routine_events_are_warned_about_unless_they_are_hidden_as_well() {
    let warnings = |more: &str| {
        let fields = "{name: people, fields: {unmapped: mask}, topics: [watchbell.events";
        let section = format!("  policies: [{fields}{more}]}}]\n");
        let loaded = loaded(&with(&section), &[]);
        let lines: Vec<String> = loaded.warnings().iter().map(Fault::to_string).collect();
        lines.join("\n")
    };
    let said = warnings("");
    let expected = "w.yaml:10:13: warning: privacy.policies: `people` is for watchbell.events and not for watchbell.routine";
    assert!(said.contains(expected), "{said}");
    assert_eq!(warnings(", watchbell.routine"), "");
}

#[test]
fn what_cannot_hide_anything_is_refused_with_its_place_and_remedy() {
    let short = key_file(31);
    let short = short.path().display();
    for (section, expected) in [
        (
            POLICIES.to_owned(),
            "w.yaml:10:13: error: privacy.policies: `people` has pseudonyms, and there is no key for them\n  help: make one with `openssl rand -base64 48",
        ),
        (
            format!("{POLICIES}  key_file: {short}\n"),
            "the key of pseudonyms has 31 bytes; at least 32 are required",
        ),
        (
            format!("{POLICIES}  key_file: /nowhere/key\n"),
            "privacy.key_file: /nowhere/key: there is no such file",
        ),
        (
            "  policies: [{name: a, fields: {unmapped: mask}, topics: [watchbell.event]}]\n".to_owned(),
            "`a` is for the topic watchbell.event, to which no event or alert is written\n  help: did you mean watchbell.events?",
        ),
        (
            "  policies: [{name: a, fields: {unmapped: mask}, topics: [watchbell.dead-letters]}]\n".to_owned(),
            "help: leave it out: dead letters are sealed by themselves",
        ),
        (
            "  policies: [{name: a, fields: {unmapped: mask}, sinks: [chta]}]\n".to_owned(),
            "`a` is for the sink chta, which does not exist\n  help: did you mean `chat`?",
        ),
        (
            "  policies: [{name: a, fields: {src_endpoint: mask}, topics: [team.events]}]\n".to_owned(),
            "`a` cannot hide src_endpoint in team.events: the route team writes records there as their source wrote them",
        ),
        (
            "  policies: [{name: a, fields: {unmapped: mask}, sinks: [chat]}]\n  dead_letters: keep\n".to_owned(),
            "privacy.dead_letters: where a policy exists, dead letters are sealed",
        ),
        (
            "  policies: [{name: a, fields: {unmaped: mask}, sinks: [chat]}]\n".to_owned(),
            "w.yaml:10:33: error: unknown field `unmaped`\n  help: did you mean `unmapped`?",
        ),
        (
            "  dead_letters: sealed\n".to_owned(),
            "help: did you mean `seal`?",
        ),
    ] {
        let said = refused(&with(&section), &[]);
        assert!(said.contains(expected), "{section}: {said}");
    }
}
