//! The two keys of an alert, its title, and what it says of why.

use std::fs;

use super::*;
use crate::catalog::Catalogs;
use crate::event::{Offset, Partition, Path, Position, RawRecord};
use crate::normalize::event_of;
use crate::rules::{Known, Overrides, RuleSource};
use crate::sigma::Scratch;

const RULES: &str = "
title: Deleted
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: confluent}
detection:
  deletion: {api.operation|startswith: Delete}
  one_of_two:
    - actor.user.uid: u-1
    - actor.user.uid: u-2
  filter_failed: {status: Failure}
  condition: deletion and not filter_failed or one_of_two
---
title: By resource
id: 22222222-2222-4222-8222-222222222222
logsource: {product: confluent}
detection:
  any: {api.operation: '*'}
  condition: any
group_by: [resources.uid, src_endpoint.ip]
fields: [actor.user.uid, resources.uid, api.request.data.none]
";

fn rules() -> RuleSet<Path> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, RULES).unwrap();
    let sources = [RuleSource::Path(file)];
    let known = Known {
        products: [("confluent".to_owned(), Default::default())].into(),
        ..Known::default()
    };
    RuleSet::load(&sources, &known, &Overrides::default(), &Path::parse).unwrap()
}

/// An event's text: who, what, which resources, and an id.
fn text(actor: &str, method: &str, resources: &[&str], id: &str) -> String {
    let resources: Vec<String> = resources
        .iter()
        .map(|uid| format!(r#"{{"resource":{{"type":"T","resourceId":"{uid}"}}}}"#))
        .collect();
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"crn://c/","type":"io.confluent.cloud/request",
            "data":{{"methodName":"{method}","cloudResources":[{}],
            "requestMetadata":{{"clientAddress":[{{"ip":"192.0.2.1"}}]}},
            "authenticationInfo":{{"principal":"{actor}"}}}}}}"#,
        resources.join(",")
    )
}

fn event(text: &str) -> AuditEvent<'_> {
    let record = RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(0),
            offset: Offset(0),
            element: None,
        },
        timestamp_ms: None,
        key: None,
        value: Some(text.as_bytes()),
        headers: Vec::new(),
    };
    event_of(&record, Catalogs::NONE, None).unwrap()
}

/// The alert of the rule with that title.
fn alert<'r>(
    rules: &'r RuleSet<Path>,
    title: &str,
    event: &AuditEvent<'_>,
    position: &str,
) -> Alert<'r, Path> {
    let mut scratch = Scratch::default();
    let index = *rules
        .matches(event, &mut scratch)
        .iter()
        .find(|index| rules.rules()[**index].rule.title == title)
        .unwrap();
    Alert::new(rules, index, event, position).unwrap()
}

fn uid(rules: &RuleSet<Path>, title: &str, text: &str, position: &str) -> String {
    alert(rules, title, &event(text), position).uid
}

#[test]
fn the_same_rule_source_and_event_give_the_same_uid_and_others_another() {
    let rules = rules();
    let first = text("User:u-1", "DeleteX", &["a"], "1");
    let known = uid(&rules, "Deleted", &first, "audit[0]@1");
    assert_eq!(known.len(), 32);
    // A duplicate on the wire is one alert, wherever it was read and whatever else it says.
    assert_eq!(uid(&rules, "Deleted", &first, "audit[3]@9"), known);
    let retold = text("User:u-2", "DeleteY", &["b"], "1");
    assert_eq!(uid(&rules, "Deleted", &retold, ""), known);
    let other_event = text("User:u-1", "DeleteX", &["a"], "2");
    assert_ne!(uid(&rules, "Deleted", &other_event, ""), known);
    let other_source = first.replace("crn://c/", "crn://d/");
    assert_ne!(uid(&rules, "Deleted", &other_source, ""), known);
    assert_ne!(uid(&rules, "By resource", &first, ""), known);
    // Where the parts meet does not matter: `crn://c/` and `1` are not `crn://c/1` and nothing.
    let moved = first
        .replace(r#""id":"1""#, r#""id":"/1""#)
        .replace("crn://c/", "crn://c");
    assert_ne!(uid(&rules, "Deleted", &moved, ""), known);
}

#[test]
fn an_event_without_an_id_is_its_position() {
    let rules = rules();
    let nameless = text("User:u-1", "DeleteX", &["a"], "");
    let here = uid(&rules, "Deleted", &nameless, "audit[0]@1");
    assert_eq!(uid(&rules, "Deleted", &nameless, "audit[0]@1"), here);
    assert_ne!(uid(&rules, "Deleted", &nameless, "audit[0]@2"), here);
}

#[test]
fn the_group_is_the_rule_and_the_actor_unless_the_rule_says_otherwise() {
    let rules = rules();
    let group = |title: &str, text: &str| alert(&rules, title, &event(text), "").group_key;
    let by_first = group("Deleted", &text("User:u-1", "DeleteX", &["a"], "1"));
    assert_eq!(
        group("Deleted", &text("User:u-1", "DeleteY", &["b"], "2")),
        by_first
    );
    assert_ne!(
        group("Deleted", &text("User:u-2", "DeleteX", &["a"], "1")),
        by_first
    );

    let of_a = group("By resource", &text("User:u-1", "DeleteX", &["a"], "1"));
    assert_ne!(of_a, by_first);
    assert_eq!(
        group("By resource", &text("User:u-2", "GetX", &["a"], "2")),
        of_a
    );
    assert_ne!(
        group("By resource", &text("User:u-1", "DeleteX", &["b"], "1")),
        of_a
    );
    let elsewhere = text("User:u-1", "DeleteX", &["a"], "1").replace("192.0.2.1", "192.0.2.2");
    assert_ne!(group("By resource", &elsewhere), of_a);
    // A missing field is a group of its own.
    let of_none = group("By resource", &text("User:u-1", "DeleteX", &[], "1"));
    assert_ne!(of_none, of_a);
    assert_eq!(
        group("By resource", &text("User:u-3", "DeleteZ", &[], "3")),
        of_none
    );
}

#[test]
fn a_title_tells_who_did_what_to_which_resource() {
    let rules = rules();
    let title = |actor: &str, resources: &[&str], names: (Option<&str>, Option<&str>)| {
        let text = text(actor, "DeleteX", resources, "1");
        let mut event = event(&text);
        let (user, resource) = names;
        if let Some(user) = user {
            event.user.name = Some(user.to_owned().into());
        }
        if let (Some(first), Some(name)) = (event.resources.first_mut(), resource) {
            first.name = Some(name.to_owned().into());
        }
        alert(&rules, "Deleted", &event, "").title
    };
    let nameless = (None, None);
    let both = (Some("Jane Doe"), Some("Orders"));
    let cases: [(&str, &[&str], _, &str); 6] = [
        ("User:u-1", &["a"], nameless, "u-1 asked to delete t a"),
        (
            "User:u-1",
            &["a"],
            both,
            "Jane Doe asked to delete t Orders",
        ),
        ("None:GUEST", &["a"], nameless, "GUEST asked to delete t a"),
        ("", &[], nameless, "somebody unknown called DeleteX"),
        (
            "User:u-1",
            &["a", "b", "c"],
            nameless,
            "u-1 asked to delete t a and 2 more",
        ),
        // One resource in two scopes is one.
        ("User:u-1", &["a", "a"], nameless, "u-1 asked to delete t a"),
    ];
    for (actor, resources, names, expected) in cases {
        let title = title(actor, resources, names);
        assert_eq!(title, format!("Deleted: {expected}"));
    }
}

#[test]
fn why_names_the_lines_that_held_with_the_values_seen() {
    let rules = rules();
    let deletion = text("User:u-2", "DeleteX", &["a"], "1");
    assert_eq!(
        alert(&rules, "Deleted", &event(&deletion), "").why,
        ["api.operation = DeleteX", "actor.user.uid = u-2"]
    );
    let only_actor = text("User:u-1", "GetX", &["a"], "1");
    assert_eq!(
        alert(&rules, "Deleted", &event(&only_actor), "").why,
        ["actor.user.uid = u-1"]
    );
}

#[test]
fn the_fields_that_a_rule_wants_shown_are_shown_where_they_have_values() {
    let rules = rules();
    let many = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let listing = text("User:u-1", "ListX", &many, "1");
    let shown = alert(&rules, "By resource", &event(&listing), "").shown;
    let [(first, actor), (second, resources)] = &shown[..] else {
        panic!("{shown:?}");
    };
    assert_eq!((*first, *second), ("actor.user.uid", "resources.uid"));
    assert_eq!(actor, &["u-1"]);
    assert_eq!(resources, &many[..8]);
    let deletion = text("User:u-1", "DeleteX", &["a"], "1");
    assert!(
        alert(&rules, "Deleted", &event(&deletion), "")
            .shown
            .is_empty()
    );
}

#[test]
fn a_rule_that_is_not_there_has_no_alert() {
    let text = text("User:u-1", "DeleteX", &["a"], "1");
    assert!(Alert::new(&rules(), 99, &event(&text), "").is_none());
}
