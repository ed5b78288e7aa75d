//! Rule sets from files and from packs: which problems are errors, which are warnings, and which rules match an
//! event.

mod suppressions;
mod trial;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use super::validate::OPERATION_FIELD;
use super::*;
use crate::diagnostic::Mark;
use crate::sigma::{Origin, Value, Visit, VisitElement};
use crate::vendors::CONFLUENT;

const RULE: &str = "\
title: Topic deleted
id: 11111111-1111-4111-8111-111111111111
level: high
date: 2026-11-21
tags: [attack.t1485, attack.impact]
logsource: {product: confluent, service: kafka}
detection:
  selection:
    api.operation: kafka.DeleteTopics
  condition: selection
group_by: [resources.uid]
";
const FIRST: &str = "11111111-1111-4111-8111-111111111111";
const SECOND: &str = "22222222-2222-4222-8222-222222222222";

/// An event with only the name of its method.
struct Event(&'static str);

impl Fields for Event {
    type Path = String;

    fn values(&self, path: &String, visit: &mut Visit<'_>) {
        if path.split('|').any(|place| place == OPERATION_FIELD) {
            let _ = visit(Value::String(self.0));
        }
    }

    fn elements(&self, _: &String, _: usize, _: bool, visit: &mut VisitElement<'_, String>) {
        let _ = visit(&|path, _, values| self.values(path, values));
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = visit(self.0);
    }

    fn logsource(&self) -> Origin<'_> {
        Origin {
            product: Some("confluent"),
            service: Some("kafka"),
            category: None,
        }
    }
}

fn resolve(name: &str) -> Result<String, UnknownField> {
    match name {
        "actor.uid" => Err(UnknownField {
            suggestion: Some("actor.user.uid".to_owned()),
        }),
        native if native.starts_with("data.") || native.starts_with("dat.") => {
            Err(UnknownField { suggestion: None })
        }
        known => Ok(known.to_owned()),
    }
}

fn known() -> Known {
    let services = [
        ("kafka", "kafka.DeleteTopics kafka.CreateTopics"),
        ("flink", "DeleteStatement"),
        ("rbac", "CreateRoleBinding"),
    ];
    let methods = |names: &str| names.split_whitespace().map(str::to_owned).collect();
    let product = KnownProduct {
        native_fields: Some(&CONFLUENT.native_fields),
        absent: CONFLUENT.absent,
        services: services
            .map(|(service, names)| (service.to_owned(), methods(names)))
            .into(),
    };
    Known {
        products: [("confluent".to_owned(), product)].into(),
        fields: [
            (
                "status".to_owned(),
                KnownField {
                    is_always_there: true,
                    values: ["Unknown", "Success", "Failure"].map(Value::String).into(),
                },
            ),
            (
                "status_id".to_owned(),
                KnownField {
                    is_always_there: true,
                    values: [0, 1, 2].map(Value::Int).into(),
                },
            ),
            ("actor.user.uid".to_owned(), KnownField::default()),
            ("src_endpoint.ip".to_owned(), KnownField::default()),
        ]
        .into(),
        ..Known::default()
    }
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

fn load(path: &Path, overrides: &Overrides) -> Result<RuleSet<String>, Vec<Diagnostic>> {
    let source = RuleSource::Path(path.to_owned());
    RuleSet::load(&[source], &known(), overrides, &resolve)
}

fn loaded(files: &[(&str, &str)]) -> RuleSet<String> {
    load(directory(files).path(), &Overrides::default()).unwrap()
}

/// The diagnostics of rule files with an error, without the name of the temporary directory.
fn diagnostics_of(files: &[(&str, &str)]) -> Vec<String> {
    let directory = directory(files);
    let shown = load(directory.path(), &Overrides::default()).unwrap_err();
    let root = format!("{}/", directory.path().display());
    shown
        .iter()
        .map(|d| d.to_string().replace(&root, ""))
        .collect()
}

fn warnings(rules: &RuleSet<String>) -> Vec<&str> {
    let problems = rules.warnings().iter().map(|d| &d.problem);
    problems.map(|problem| problem.message.as_str()).collect()
}

#[test]
fn files_are_found_at_every_depth_except_tests_and_hidden_files() {
    let second = RULE.replace(FIRST, SECOND);
    let set = loaded(&[
        ("a.yaml", RULE),
        ("deep/er/b.yml", &second),
        ("a.test.yaml", "not: a rule"),
        ("notes.txt", "neither"),
        ("..2026_11_21/a.yaml", RULE),
    ]);
    let ids: Vec<&str> = set.rules().iter().map(|r| r.rule.id.as_str()).collect();
    assert_eq!(ids, [FIRST, SECOND]);
    let mut scratch = Scratch::default();
    assert_eq!(
        set.matches(&Event("kafka.deletetopics"), &mut scratch),
        [0, 1]
    );
    assert!(
        set.matches(&Event("kafka.CreateTopics"), &mut scratch)
            .is_empty()
    );
    assert_eq!(set.rules()[0].group_by, ["resources.uid"]);
    assert!(set.rules()[0].version.starts_with("2026-11-21."));
    assert!(set.explain(0, &Event("kafka.DeleteTopics"))[0].holds);
}

#[test]
fn everything_wrong_in_any_file_is_reported_at_once() {
    let second = RULE.replace(FIRST, SECOND);
    let elsewhere = second.replace("product: confluent", "product: conflunet");
    let unknown = RULE
        .replace(FIRST, "33333333-3333-4333-8333-333333333333")
        .replace("resources.uid", "actor.uid")
        .replace("selection:\n    api.operation", "selection:\n    actor.uid");
    assert_eq!(
        diagnostics_of(&[
            ("a.yaml", RULE),
            ("b.yaml", &RULE.replace("Topic", "A topic")),
            ("c.yaml", &elsewhere),
            ("d.yaml", &unknown),
            ("e.yaml", "title: [unclosed\n"),
        ])
        .iter()
        .map(|text| text.lines().collect::<Vec<_>>().join(" / "))
        .take(4)
        .collect::<Vec<_>>(),
        [
            "b.yaml:2:5: error: id `11111111-1111-4111-8111-111111111111` is already used by a.yaml:2:5 \
             /   help: give one of the two a new UUID",
            "c.yaml:6:12: error: unknown product `conflunet` /   help: did you mean `confluent`?",
            "d.yaml:9:5: error: unknown field `actor.uid` /   help: did you mean `actor.user.uid`?",
            "d.yaml:11:12: error: unknown field `actor.uid` in `group_by` \
             /   help: did you mean `actor.user.uid`?",
        ]
    );
    let yaml = diagnostics_of(&[("e.yaml", "title: [unclosed\n")]);
    assert_eq!(yaml.len(), 1);
    assert!(
        yaml[0].contains("e.yaml:") && yaml[0].contains("not readable as YAML"),
        "{yaml:?}"
    );
}

#[test]
fn services_categories_taxonomies_and_statuses_that_cannot_work_are_refused() {
    for (from, to, part) in [
        (
            "service: kafka",
            "service: kafak",
            "unknown service `kafak`",
        ),
        ("service: kafka", "category: api", "no event has a category"),
        (
            "level: high",
            "taxonomy: windows",
            "unknown taxonomy `windows`",
        ),
        ("level: high", "status: unsupported", "cannot work"),
    ] {
        let shown = diagnostics_of(&[("a.yaml", &RULE.replace(from, to))]);
        assert!(shown.len() == 1 && shown[0].contains(part), "{shown:?}");
    }
    let any_product = RULE.replace("product: confluent, ", "");
    assert_eq!(loaded(&[("a.yaml", &any_product)]).rules().len(), 1);
}

#[test]
fn an_unknown_method_is_a_warning_with_the_nearest_one() {
    let set = loaded(&[("a.yaml", &RULE.replace("DeleteTopics", "DeleteTopic"))]);
    assert_eq!(warnings(&set), ["no known method is `kafka.DeleteTopic`"]);
    let remedy = set.warnings()[0].problem.remedy.as_deref();
    assert_eq!(remedy, Some("did you mean `kafka.DeleteTopics`?"));
    let patterns = RULE.replace("kafka.DeleteTopics", "['KAFKA.*', '*.Erase*']");
    assert_eq!(
        warnings(&loaded(&[("a.yaml", &patterns)])),
        ["no known method is `*.Erase*`"]
    );
    assert!(warnings(&loaded(&[("a.yaml", RULE)])).is_empty());
}

#[test]
fn a_rule_that_no_value_leads_to_is_a_warning_and_counted() {
    let negated = RULE
        .replace("condition: selection", "condition: not selection")
        .replace(FIRST, SECOND);
    let set = loaded(&[("a.yaml", RULE), ("b.yaml", &negated)]);
    assert_eq!(
        warnings(&set),
        [
            "no line requires a value of a field, so the rule is evaluated on every event of its log source"
        ]
    );
    let remedy = set.warnings()[0].problem.remedy.as_deref();
    assert_eq!(
        remedy,
        Some("add a selection that requires a value, such as one of `api.operation`")
    );
    assert!(set.warnings()[0].file.ends_with("b.yaml"));
    assert_eq!(set.without_witness().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_method_of_another_service_than_the_rules_is_a_warning_that_names_it() {
    let other = RULE.replace("kafka.DeleteTopics", "CreateRoleBinding");
    let set = loaded(&[("a.yaml", &other)]);
    assert_eq!(
        warnings(&set),
        ["`CreateRoleBinding` is no method of the service `kafka`"]
    );
    let remedy = set.warnings()[0].problem.remedy.as_deref();
    assert_eq!(remedy, Some("it is a method of the service `rbac`"));
    let any_service = other.replace(", service: kafka", "");
    assert!(warnings(&loaded(&[("a.yaml", &any_service)])).is_empty());
}

#[test]
fn sources_that_do_not_exist_are_errors_and_empty_ones_are_warnings() {
    let shown = load(Path::new("/nonexistent/rules"), &Overrides::default()).unwrap_err();
    assert!(
        shown[0]
            .to_string()
            .starts_with("/nonexistent/rules:1:1: error: there is no such file")
    );
    let pack = "pack:confluend".parse().unwrap();
    let shown = RuleSet::load(&[pack], &known(), &Overrides::default(), &resolve).unwrap_err();
    assert_eq!(
        shown[0].to_string(),
        "pack:confluend:1:1: error: no such pack\n  help: did you mean `pack:confluent`?"
    );
    let empty = load(directory(&[]).path(), &Overrides::default()).unwrap();
    assert_eq!(warnings(&empty), ["no rule in this directory"]);
}

#[test]
fn overrides_disable_rules_and_change_levels_by_id_or_tag() {
    let second = RULE.replace(FIRST, SECOND).replace("t1485", "t1489");
    let files = directory(&[("a.yaml", RULE), ("b.yaml", &second)]);
    let with = |disabled: &[&str], levels: &[(&str, Level)]| {
        let overrides = Overrides {
            disabled: disabled.iter().map(|key| (*key).to_owned()).collect(),
            levels: levels
                .iter()
                .map(|(key, level)| ((*key).to_owned(), *level))
                .collect(),
            ..Overrides::default()
        };
        load(files.path(), &overrides).unwrap()
    };
    let levels = |set: &RuleSet<String>| set.rules().iter().map(|r| r.level).collect::<Vec<_>>();
    assert_eq!(levels(&with(&[], &[])), [Level::High, Level::High]);
    assert_eq!(with(&["attack.t1489"], &[]).rules().len(), 1);
    assert_eq!(with(&[&FIRST.to_uppercase(), SECOND], &[]).rules().len(), 0);
    let by_both = [("attack.impact", Level::Low), (SECOND, Level::Critical)];
    assert_eq!(levels(&with(&[], &by_both)), [Level::Low, Level::Critical]);
    let typo = with(&["attack.t1486"], &[]);
    assert_eq!(
        warnings(&typo),
        ["overrides: `attack.t1486` is neither the id, nor a tag, nor the pack of a rule"]
    );
}

/// An override of the status, of the fields of the group key, and of the runbook under this key.
fn each_override(key: &str) -> [Overrides; 3] {
    let key = || key.to_owned();
    let status = Overrides {
        statuses: [(key(), Status::Experimental)].into(),
        ..Overrides::default()
    };
    let group_by = Overrides {
        group_by: [(key(), vec!["status".to_owned()])].into(),
        ..Overrides::default()
    };
    let runbook = Overrides {
        runbooks: [(key(), "Ask the owner.".to_owned())].into(),
        ..Overrides::default()
    };
    [status, group_by, runbook]
}

#[test]
fn overrides_replace_status_group_and_runbook_by_id_tag_or_pack() {
    let files = directory(&[("a.yaml", RULE)]);
    for key in [FIRST, "ATTACK.impact"] {
        let [status, group_by, runbook] =
            each_override(key).map(|overrides| load(files.path(), &overrides).unwrap());
        assert!(status.rules()[0].is_experimental());
        assert_eq!(group_by.rules()[0].group_by, ["status"]);
        let rule = &runbook.rules()[0].rule;
        assert_eq!(rule.runbook.as_deref(), Some("Ask the owner."));
        // The rule itself is the same.
        let plain = load(files.path(), &Overrides::default()).unwrap();
        assert_eq!(status.rules()[0].version, plain.rules()[0].version);
    }
    let packs = ["pack:redpanda".parse().unwrap()];
    let [experimental, ..] = each_override("pack:redpanda");
    let services = ["kafka", "redpanda", "admin"];
    let product = KnownProduct {
        native_fields: Some(&CONFLUENT.native_fields),
        absent: CONFLUENT.absent,
        services: services
            .map(|service| (service.to_owned(), BTreeSet::new()))
            .into(),
    };
    let known = Known {
        products: [("redpanda".to_owned(), product)].into(),
        ..Known::default()
    };
    let resolve = |name: &str| Ok(name.to_owned());
    let set = RuleSet::load(&packs, &known, &experimental, &resolve).unwrap();
    let of_pack = |rule: &LoadedRule<String>| rule.file.starts_with("pack:redpanda/");
    assert!(set.rules().iter().any(of_pack));
    for rule in set.rules() {
        assert_eq!(rule.is_experimental(), of_pack(rule), "{}", rule.file);
    }
}

#[test]
fn the_override_of_an_id_counts_more_than_that_of_a_tag_and_equal_keys_must_agree() {
    let files = directory(&[("a.yaml", RULE)]);
    let runbooks = |keys: &[(&str, &str)]| Overrides {
        runbooks: keys
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect(),
        ..Overrides::default()
    };
    let (impact, t1485) = ("attack.impact", "attack.t1485");
    let set = load(files.path(), &runbooks(&[(impact, "a"), (FIRST, "b")])).unwrap();
    assert_eq!(set.rules()[0].rule.runbook.as_deref(), Some("b"));
    assert!(load(files.path(), &runbooks(&[(impact, "a"), (t1485, "a")])).is_ok());
    let refused = load(files.path(), &runbooks(&[(impact, "a"), (t1485, "b")])).unwrap_err();
    let said = format!(
        "configuration:1:1: error: overrides: `{impact}` and `{t1485}` give the rule `Topic deleted` a different \
         runbook\n  help: give it one by its id `{FIRST}`"
    );
    assert_eq!(refused[0].to_string(), said);
}

#[test]
fn an_unknown_field_in_an_overridden_group_is_an_error_of_the_configuration() {
    let files = directory(&[("a.yaml", RULE)]);
    let overrides = Overrides {
        group_by: [(FIRST.to_owned(), vec!["actor.uid".to_owned()])].into(),
        ..Overrides::default()
    };
    let refused = load(files.path(), &overrides).unwrap_err();
    let said: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let expected = "configuration:1:1: error: overrides: unknown field `actor.uid` in `group_by`";
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(expected), "{said:?}");
    let place = ("w.yaml".into(), Mark { line: 7, column: 9 });
    let placed = Overrides {
        places: [((OverridePart::GroupBy, FIRST.to_owned()), place)].into(),
        ..overrides
    };
    let said = load(files.path(), &placed).unwrap_err()[0].to_string();
    let expected = "w.yaml:7:9: error: overrides: unknown field `actor.uid` in `group_by`";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_rule_without_a_level_is_medium() {
    let set = loaded(&[("a.yaml", &RULE.replace("level: high\n", ""))]);
    assert_eq!(set.rules()[0].level, Level::Medium);
}

#[test]
fn the_hash_changes_only_with_content_and_levels() {
    let second = RULE.replace(FIRST, SECOND);
    let base = loaded(&[("a.yaml", RULE), ("b.yaml", &second)]);
    assert_eq!(base.hash().len(), 64);
    let moved = loaded(&[
        ("x/b.yaml", RULE),
        ("a.yaml", &format!("# why\n\n{second}")),
    ]);
    assert_eq!(moved.hash(), base.hash());
    let edited = second.replace("Topic deleted", "Topic gone");
    let edited = loaded(&[("a.yaml", RULE), ("b.yaml", &edited)]);
    assert_ne!(edited.hash(), base.hash());
    assert_eq!(edited.rules()[0].version, base.rules()[0].version);
    assert_ne!(edited.rules()[1].version, base.rules()[1].version);
    let files = directory(&[("a.yaml", RULE), ("b.yaml", &second)]);
    let levels = [("attack.impact".to_owned(), Level::Low)].into();
    let overrides = Overrides {
        levels,
        ..Overrides::default()
    };
    assert_ne!(load(files.path(), &overrides).unwrap().hash(), base.hash());
    for overrides in each_override("attack.impact") {
        assert_ne!(load(files.path(), &overrides).unwrap().hash(), base.hash());
    }
}

#[test]
fn a_snapshot_does_not_change_when_the_set_is_replaced() {
    let current = CurrentRules::new(loaded(&[("a.yaml", RULE)]));
    let snapshot = current.snapshot();
    let replaced = current.replace(loaded(&[("a.yaml", &RULE.replace(FIRST, SECOND))]));
    assert_eq!(snapshot.hash(), replaced.hash());
    assert_eq!(snapshot.rules()[0].rule.id.as_str(), FIRST);
    assert_eq!(current.snapshot().rules()[0].rule.id.as_str(), SECOND);
}

const FILTER: &str = "\
title: Deployments
logsource: {product: confluent}
filter:
  rules: [topic_deleted]
  ci: {api.operation|cased: kafka.DeleteTopics}
  condition: ci
";

/// The rule with the name that the filter refers to, and with a line that the filter does not exclude.
fn named_rule() -> String {
    RULE.replace("level: high", "level: high\nname: topic_deleted")
}

#[test]
fn a_filter_excludes_events_and_is_part_of_the_rules_version() {
    let alone = loaded(&[("a.yaml", &named_rule())]);
    let set = loaded(&[("a.yaml", &named_rule()), ("ci.yaml", FILTER)]);
    assert_eq!(set.rules().len(), 1);
    let mut scratch = Scratch::default();
    let excluded = Event("kafka.DeleteTopics");
    assert_eq!(alone.matches(&excluded, &mut scratch), [0]);
    assert!(set.matches(&excluded, &mut scratch).is_empty());
    assert_eq!(set.matches(&Event("KAFKA.deleteTopics"), &mut scratch), [0]);
    let outcome = set.outcome(0, &excluded).unwrap();
    assert_eq!(outcome.would_match_but_for(), ["filter Deployments"]);
    assert_ne!(set.rules()[0].version, alone.rules()[0].version);
    assert_ne!(set.hash(), alone.hash());
    let moved = format!("# Why.\n{}", FILTER.replace("[topic_deleted]", "any"));
    let moved = loaded(&[("z.yaml", &named_rule()), ("y.yaml", &moved)]);
    assert_eq!(moved.hash(), set.hash(), "it excludes the same events");
    let wider = FILTER.replace("|cased", "");
    assert_ne!(
        loaded(&[("a.yaml", &named_rule()), ("ci.yaml", &wider)]).hash(),
        set.hash()
    );
}

#[test]
fn a_filter_that_cannot_be_applied_is_an_error_at_the_rule_that_it_names() {
    let shown = |rule: &str, filter: &str| {
        let shown = diagnostics_of(&[("a.yaml", rule), ("ci.yaml", filter)]);
        shown.join("\n")
    };
    let naming = |name: &str| FILTER.replace("topic_deleted", name);
    for (name, expected) in [
        (
            "topic_deletet",
            "ci.yaml:4:11: error: no rule has the id or name `topic_deletet`\n  help: did you mean \
             `topic_deleted`?",
        ),
        (
            "Topic deleted",
            "ci.yaml:4:11: error: no rule has the id or name `Topic deleted`\n  help: it is a title; write the \
             id: 11111111-1111-4111-8111-111111111111",
        ),
        (
            "99999999-0000-4000-8000-000000000000",
            "ci.yaml:4:11: error: no rule has the id or name `99999999-0000-4000-8000-000000000000`\n  help: load \
             the file or pack of the rule together with this file",
        ),
    ] {
        assert_eq!(shown(&named_rule(), &naming(name)), expected);
    }
    let other = FILTER.replace("confluent}", "confluent, service: flink}");
    let elsewhere = shown(&named_rule(), &other);
    assert!(elsewhere.starts_with(
        "ci.yaml:4:11: error: the filter is for product confluent, service flink, but the rule `Topic deleted` is \
         for product confluent, service kafka\n  help: write the log source of the rule, or a wider one such as \
         `logsource: {}`"
    ), "{elsewhere}");
    let fields = FILTER.replace("api.operation|cased", "actor.uid");
    assert_eq!(
        shown(&named_rule(), &fields),
        "ci.yaml:5:8: error: unknown field `actor.uid`\n  help: did you mean `actor.user.uid`?"
    );
    let twice = named_rule() + "---\n" + &named_rule().replace(FIRST, SECOND);
    let ambiguous = shown(&twice, FILTER);
    assert!(
        ambiguous.contains("2 rules have the name `topic_deleted`"),
        "{ambiguous}"
    );
    let broken = named_rule().replace("kafka.DeleteTopics", "[]");
    let only_its_own = shown(&broken, FILTER);
    assert!(
        only_its_own.starts_with("a.yaml:10:20: error: an empty list"),
        "{only_its_own}"
    );
    assert_eq!(only_its_own.matches("error").count(), 1);
}

#[test]
fn a_filter_for_any_rule_that_applies_to_none_is_a_warning() {
    let filter = FILTER
        .replace("[topic_deleted]", "any")
        .replace("confluent}", "confluent, service: flink}");
    let set = loaded(&[("a.yaml", RULE), ("ci.yaml", &filter)]);
    assert!(
        warnings(&set).contains(
            &"the filter applies to no rule: none is for product confluent, service flink"
        )
    );
    let same_id = FILTER.replace("title: Deployments", &format!("title: D\nid: {FIRST}"));
    let shown = diagnostics_of(&[("a.yaml", &named_rule()), ("ci.yaml", &same_id)]);
    assert!(
        shown[0].contains("is already used by a.yaml:2:5"),
        "{shown:?}"
    );
}

#[test]
fn a_rule_may_name_fields_as_the_vendor_does() {
    let native = RULE
        .replace("api.operation", "data.methodName")
        .replace("[resources.uid]", "[data.resourceName]")
        + "fields: [data.result.status]\n";
    let set = loaded(&[("a.yaml", &native)]);
    let mut scratch = Scratch::default();
    assert_eq!(set.matches(&Event("kafka.DeleteTopics"), &mut scratch), [0]);
    let rule = &set.rules()[0];
    assert_eq!(
        rule.group_by,
        ["resources.uid_alt|unmapped.data.resourceName"]
    );
    assert_eq!(rule.shown[0].0, "status_code", "as an alert has it");
    let outcome = set.outcome(0, &Event("kafka.DeleteTopics")).unwrap();
    outcome.condition.lines(&mut |line| {
        assert_eq!(line.test.to_string(), "api.operation: kafka.DeleteTopics");
    });
    let explicit = native.replace("level: high", "taxonomy: confluent");
    assert_eq!(loaded(&[("a.yaml", &explicit)]).rules().len(), 1);
    let misspelled = native.replace("DeleteTopics", "DeleteTopic");
    let set = loaded(&[("a.yaml", &misspelled)]);
    assert_eq!(warnings(&set), ["no known method is `kafka.DeleteTopic`"]);
}

#[test]
fn a_native_name_needs_the_product_and_a_taxonomy_that_allows_it() {
    let native = RULE.replace("api.operation", "data.methodName");
    for (from, to, part) in [
        (
            "product: confluent, ",
            "",
            "unknown field `data.methodName`",
        ),
        (
            "level: high",
            "taxonomy: ocsf",
            "unknown field `data.methodName`",
        ),
        (
            "data.methodName",
            "dat.methodName",
            "unknown field `dat.methodName`",
        ),
        (
            "level: high",
            "taxonomy: windows",
            "unknown taxonomy `windows`",
        ),
    ] {
        let shown = diagnostics_of(&[("a.yaml", &native.replace(from, to))]).join("\n");
        assert!(shown.contains(part), "{shown}");
    }
    let elsewhere = native
        .replace("level: high", "taxonomy: confluent")
        .replace("product: confluent, ", "");
    let shown = diagnostics_of(&[("a.yaml", &elsewhere)]).join("\n");
    assert!(
        shown.contains("the fields of `confluent` in a rule of another log source"),
        "{shown}"
    );
}

/// The warnings, with their remedies, about a rule with this line.
fn warned(line: &str) -> Vec<String> {
    let operation = "api.operation: kafka.DeleteTopics";
    let rule = RULE.replace(operation, &format!("{operation}\n    {line}"));
    let set = loaded(&[("a.yaml", &rule)]);
    let problems = set.warnings().iter().map(|d| &d.problem);
    let shown = problems.map(|p| {
        let remedy = p.remedy.as_deref().unwrap_or_default();
        format!("{}:{} {} / {remedy}", p.mark.line, p.mark.column, p.message)
    });
    shown.collect()
}

#[test]
fn a_line_that_no_event_can_meet_is_a_warning_with_the_nearest_name() {
    for (line, expected) in [
        (
            "status: Failed",
            "10:5 no event has the `status` Failed / did you mean `Failure`?",
        ),
        (
            "status: [Success, zzz]",
            "10:5 no event has the `status` zzz / its values are: Unknown, Success, Failure",
        ),
        (
            "status|startswith: Failed",
            "10:5 no event has the `status` Failed* / did you mean `Failure`?",
        ),
        (
            "status_id: 3",
            "10:5 no event has the `status_id` 3 / its values are: 0, 1, 2",
        ),
        (
            "status: null",
            "10:5 every event has `status`, so this line never holds / remove the line, or name another field",
        ),
        (
            "status|neq: null",
            "10:5 every event has `status`, so this line always holds / remove the line, or name another field",
        ),
        (
            "status|exists: false",
            "10:5 every event has `status`, so this line never holds / remove the line, or name another field",
        ),
        (
            "src_endpoint.vpc_uid: x",
            "10:5 no event of confluent has `src_endpoint.vpc_uid`, so this line never holds / did you mean \
             `src_endpoint.ip`?",
        ),
    ] {
        assert_eq!(warned(line), [expected], "{line}");
    }
}

#[test]
fn a_line_that_some_event_can_meet_is_no_warning() {
    for line in [
        "status: [success, FAILURE]",
        "status|contains: ail",
        "status|re: '^F'",
        "status_id: '2'",
        "status_id|gte: 1",
        "status|exists: true",
        "actor.user.uid: null",
        "src_endpoint.vpc_uid: null",
        "src_endpoint.vpc_uid|exists: false",
        "src_endpoint.vpc_uid|neq: x",
        "data.result.status: anything",
    ] {
        assert_eq!(warned(line), Vec::<String>::new(), "{line}");
    }
}

/// The problems of reading files, without parsing them.
fn unread(files: &[(&str, &str)]) -> Vec<String> {
    let directory = directory(files);
    let mut diagnostics = Vec::new();
    load::read(
        &[RuleSource::Path(directory.path().to_owned())],
        &mut diagnostics,
    );
    diagnostics
        .iter()
        .map(|d| d.problem.message.clone())
        .collect()
}

#[test]
fn files_beyond_the_bounds_are_not_read() {
    let long = format!("# {}\n{RULE}", "x".repeat(5 << 20));
    assert_eq!(
        unread(&[("a.yaml", &long)]),
        ["the file has more than 4194304 bytes"]
    );
    let wide = format!("# {}\n", "x".repeat(4_000_000));
    let names: Vec<String> = (10..27).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), wide.as_str()))
        .collect();
    assert_eq!(
        unread(&files),
        ["with this file, the rules have more than 67108864 bytes"]
    );
    assert!(unread(&files[1..]).is_empty());
}

#[test]
fn more_documents_than_the_bound_are_refused_and_filters_that_apply_too_often() {
    let filter = "---\n{title: F, logsource: {}, filter: {rules: any, s: {a: 1}, condition: s}}\n";
    let many = filter.repeat(1_000);
    let names: Vec<String> = (10..31).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), many.as_str()))
        .collect();
    assert_eq!(
        diagnostics_of(&files),
        [
            "30.yaml:1:1: error: with this file, there are more than 20000 rules, filters and suppressions\n  \
          help: load fewer rules"
        ]
    );
    let numbers: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
    let large = format!(
        "title: T\nid: 22222222-1111-4111-8111-111111111111\nlogsource: {{}}\n\
         detection: {{s: {{api.request.data.n: [{}]}}, condition: {}}}\n",
        numbers.join(", "),
        ["s"; 81].join(" or ")
    );
    let shown = diagnostics_of(&[("a.yaml", &large)]);
    assert!(
        shown[0].starts_with(
            "a.yaml:1:1: error: with this file, the rules compare with more than 4000000 values"
        ),
        "{shown:?}"
    );
    let numbered = |n: usize| RULE.replace("11111111-1111", &format!("{n:08}-1111"));
    let rules: Vec<String> = (0..101).map(numbered).collect();
    let shown = diagnostics_of(&[("a.yaml", &rules.join("---\n")), ("f.yaml", &many)]);
    assert!(
        shown[0].starts_with("f.yaml:")
            && shown[0].contains("filters apply to rules more than 100000 times"),
        "{shown:?}"
    );
}
