//! Documents with `suppress`: how they are read, and what is refused.

use super::*;

const SUPPRESSION: &str = "\
title: Nightly rebuild of staging
id: 5c1d2f5e-6a1f-4d0f-8f7a-0a3c5d9e1b22
suppress:
  rules: [topic_deleted]
  owner: platform team
  reason: staging is rebuilt every night
  expires: 2026-12-31
  detection: {staging: {name|startswith: staging-}, condition: staging}
";

fn suppression(text: &str) -> Suppression {
    let mut parsed = documents(text);
    assert_eq!(parsed.problems, []);
    assert!(parsed.rules.is_empty());
    parsed.suppressions.remove(0)
}

#[test]
fn a_suppression_has_rules_an_owner_a_reason_and_an_end() {
    let found = suppression(SUPPRESSION);
    assert_eq!(found.title, "Nightly rebuild of staging");
    assert_eq!(found.owner, "platform team");
    assert_eq!(found.reason, "staging is rebuilt every night");
    let FilteredRules::Named(names) = &found.rules else {
        panic!("{found:?}");
    };
    assert_eq!(names[0].0, "topic_deleted");
    assert!(found.detection.is_some());
    let whole = SUPPRESSION
        .lines()
        .filter(|line| !line.contains("detection"));
    let whole: Vec<&str> = whole.collect();
    assert!(suppression(&whole.join("\n")).detection.is_none());
}

#[test]
fn a_suppression_ends_at_the_end_of_a_day_or_at_a_time() {
    for (written, ends) in [
        ("2026-12-31", "2027-01-01T00:00:00Z"),
        ("'2026-12-31'", "2027-01-01T00:00:00Z"),
        ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"),
        ("2026-12-31T18:00:00+08:00", "2026-12-31T10:00:00Z"),
    ] {
        let text = SUPPRESSION.replace("2026-12-31", written);
        assert_eq!(suppression(&text).expires(), ends, "{written}");
    }
    let last = SUPPRESSION.replace("2026-12-31", "9999-12-29");
    assert_eq!(suppression(&last).expires(), "9999-12-30T00:00:00Z");
    for (wrong, said) in [
        ("soon", "neither a day nor a time"),
        ("30d", "neither a day nor a time"),
        ("20261231", "neither a day nor a time"),
        ("2026-12-31x", "neither a day nor a time"),
        ("2026-12-31T25:00:00", "neither a day nor a time"),
        ("5", "neither a day nor a time"),
        ("''", "neither a day nor a time"),
        (
            "2026-12-31T18:00:00",
            "a time without `Z` or an offset such as `+02:00`",
        ),
        ("2026-02-30", "a day that does not exist"),
        (
            "9999-12-31",
            "later than 9999-12-29, the last day that it can be",
        ),
        (
            "9999-12-31T18:00:00Z",
            "later than 9999-12-29, the last day that it can be",
        ),
    ] {
        let found = problems(&SUPPRESSION.replace("2026-12-31", wrong));
        let said = format!("7:12 `expires` is {said} / write the last day, such as 2026-12-31");
        let is_said = found.len() == 1 && found[0].starts_with(&said);
        assert!(is_said, "{wrong}: {found:?}");
    }
    assert_eq!(problems(&SUPPRESSION.replace("2026-12-31", "")).len(), 1);
}

#[test]
fn a_broken_suppression_is_refused_with_place_and_remedy() {
    for (line, replacement, said) in [
        (
            "title: Nightly rebuild of staging\n",
            "",
            "1:1 a suppression needs a `title`",
        ),
        (
            "id: 5c1d2f5e-6a1f-4d0f-8f7a-0a3c5d9e1b22\n",
            "",
            "1:1 a suppression needs an `id` / write `id:` and a new UUID: suppressed alerts refer to it",
        ),
        (
            "  rules: [topic_deleted]\n",
            "",
            "4:3 `suppress` has no `rules`",
        ),
        (
            "  owner: platform team\n",
            "",
            "4:3 a suppression needs `owner` / write who answers",
        ),
        ("platform team", "''", "5:10 `owner` is empty / "),
        (
            "platform team",
            "[a]",
            "5:10 `owner` must be a string, not a list / ",
        ),
        (
            "  reason: staging is rebuilt every night\n",
            "",
            "4:3 a suppression needs `reason` / write why",
        ),
        (
            "  expires: 2026-12-31\n",
            "",
            "4:3 a suppression needs `expires` / write the last day",
        ),
        (
            "owner:",
            "ownr: x\n  owner:",
            "5:3 unknown key `ownr` in `suppress` / write one of: rules, owner, reason, expires, detection",
        ),
        ("condition: staging", "condition: stagin", "8:64 "),
        (
            "{staging: {name|startswith: staging-}, condition: staging}",
            "all",
            "8:14 `detection` must be a map, not a string",
        ),
    ] {
        let text = SUPPRESSION.replace(line, replacement);
        assert_ne!(text, SUPPRESSION);
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(said), "{said}: {found:?}");
        assert!(documents(&text).suppressions.is_empty());
    }
}

#[test]
fn a_suppression_of_every_alert_of_every_rule_is_refused() {
    let any = SUPPRESSION.replace("[topic_deleted]", "any");
    assert_eq!(suppression(&any).rules, FilteredRules::Any);
    let everything = any.lines().filter(|line| !line.contains("detection"));
    let everything: Vec<&str> = everything.collect();
    assert_eq!(
        problems(&everything.join("\n")),
        [
            "4:3 `rules: any` without a `detection` would suppress every alert / describe the events in `detection`, or \
          name rules"
        ]
    );
}

#[test]
fn a_document_is_either_a_rule_or_a_suppression() {
    let both = format!("{SUPPRESSION}detection: {{s: {{a: 1}}, condition: s}}\n");
    let found = problems(&both);
    assert!(
        found[0].contains("either `suppress` or `detection`, not both"),
        "{found:?}"
    );
}
