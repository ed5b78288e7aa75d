//! The shipped packs: every rule says what a person needs, passes its own tests through the real pipeline, and no
//! act that a rule's test shows raises two alerts.

use watchbell::catalog::Catalogs;
use watchbell::event::OutputBuffer;
use watchbell::pipeline::{self, Outcome};
use watchbell::rules::{Overrides, RuleSet, RuleSource, pack, pack_names};

use crate::pipeline::{NOW_MS, pipeline_with, record};

fn load(packs: &[&str]) -> RuleSet<pipeline::Path> {
    let sources: Vec<RuleSource> = packs
        .iter()
        .map(|name| RuleSource::Pack((*name).to_owned()))
        .collect();
    let known = pipeline::known(&Catalogs::shipped().unwrap());
    let resolve = &pipeline::Path::parse;
    RuleSet::load(&sources, &known, &Overrides::default(), resolve)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

#[test]
fn each_pack_and_all_of_them_together_load_without_a_warning() {
    let mut files = std::collections::BTreeSet::new();
    for name in pack_names() {
        let set = load(&[name]);
        assert_eq!(set.warnings(), [], "{name}");
        assert_eq!(set.rules().len(), pack(name).unwrap().count());
        files.extend(set.rules().iter().map(|loaded| loaded.file.clone()));
    }
    let all = load(&pack_names().collect::<Vec<_>>());
    assert_eq!(all.warnings(), []);
    assert_eq!(all.rules().len(), files.len());
}

#[test]
fn every_shipped_rule_says_what_a_person_needs() {
    for loaded in load(&pack_names().collect::<Vec<_>>()).rules() {
        let rule = &loaded.rule;
        let title = &rule.title;
        assert!(rule.level.is_some() && rule.status.is_some(), "{title}");
        assert!(
            rule.description.is_some() && rule.runbook.is_some(),
            "{title}"
        );
        assert!(
            !rule.falsepositives.is_empty() && !rule.references.is_empty(),
            "{title}"
        );
        let attack = rule.tags.iter().any(|tag| tag.starts_with("attack."));
        assert!(attack && !rule.fields.is_empty(), "{title}");
        let about_outcome = rule.detection.tests().any(|test| {
            let field = test.field.as_deref();
            field == Some("metadata.event_code") || field == Some("status")
        });
        assert!(about_outcome, "{title} alerts on attempts that failed");
    }
}

#[test]
fn the_rules_own_tests_pass_and_no_event_of_theirs_alerts_twice() {
    let pipeline = pipeline_with("", 1_000_000);
    let alerts_of = |value: &[u8]| {
        let mut out = OutputBuffer::default();
        let outcome = pipeline
            .begin()
            .process(&record(Some(value)), NOW_MS, &mut out);
        let Outcome::Event { alerts, .. } = outcome else {
            panic!("{outcome:?}: {}", String::from_utf8_lossy(value));
        };
        alerts
    };
    let mut cases = 0;
    let mut failures = Vec::new();
    let packs = pack_names().map(|name| RuleSource::Pack(name.to_owned()));
    for suite in watchbell::rules::test::load(&packs.collect::<Vec<_>>()).unwrap() {
        for case in &suite.cases {
            let alerts = alerts_of(&case.event);
            let own = alerts
                .iter()
                .filter(|(id, _)| **id == *suite.rule_id.as_str());
            let levels: Vec<_> = own.map(|(_, level)| *level).collect();
            if let Some(mismatch) = case.mismatch(&levels) {
                failures.push(format!("{}: {}: {mismatch}", suite.file, case.name));
            }
            if case.alerts > 0 && alerts.len() > case.alerts {
                failures.push(format!("{}: {}: {alerts:?}", suite.file, case.name));
            }
        }
        cases += suite.cases.len();
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(cases >= 600, "only {cases} cases");
}
