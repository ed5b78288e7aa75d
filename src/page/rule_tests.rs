//! What the pages about rules share in their tests, and the tests of the page on which a rule is tried.

use std::collections::BTreeMap;

use super::frame::TEST_FRAME;
use super::rules::RuleRow;
use super::*;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::event::RawRecord;
use crate::kafka::Stored;
use crate::query::archive::{TriedMatch, TriedSoFar};
use crate::rules::TRIED;
use crate::sigma::{Level, Status};
use crate::view::Emitted;

pub(super) fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

/// What is in no page, wherever it comes from.
const HARM: &str = "</textarea><script>alert(1)</script>";

#[test]
fn a_rule_is_shown_whole_and_its_texts_stay_texts() {
    let (attack, links) = (
        tags(&["attack.t1098.003"]),
        tags(&["https://runbooks.example/1", "javascript:alert(1)"]),
    );
    let tests = tags(&["A deletion raises one alert.", HARM]);
    let alert = br#"{"class_uid":2004,"time":1773480413000,"message":"<b>Topic deleted</b>"}"#;
    let alerts = [Emitted::value(alert)];
    let page = RulePage {
        row: RuleRow {
            id: "1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35",
            title: HARM,
            level: Some(Level::High),
            status: Some(Status::Experimental),
            file: Some("rules/topic.yaml"),
            suppressions: 1,
            tests: Some(2),
            tags: &attack,
        },
        description: Some("Says why."),
        runbook: Some("Ask who did it."),
        references: &links,
        false_positives: &tags(&["Cleaning up."]),
        group_by: vec!["actor.user.uid"],
        tests: &tests,
        text: "title: x\n# \u{202e}turned\ndetection: {}\n",
        raised: &BTreeMap::from([(20_526, 3)]),
        today: 20_526,
        alerts: &alerts,
        notes: &[],
    };
    let html = rule_page(TEST_FRAME, &page);
    assert!(
        !html.contains("<script>alert") && !html.contains("<b>Topic"),
        "{html}"
    );
    assert!(
        !html.contains("href=\"javascript") && !html.contains('\u{202e}'),
        "{html}"
    );
    for expected in [
        "high",
        "in force · experimental · 1 suppressions",
        "Says why.",
        "Ask who did it.",
        "Cleaning up.",
        "actor.user.uid",
        "A deletion raises one alert.",
        "href=\"https://runbooks.example/1\"",
        "href=\"https://attack.mitre.org/techniques/T1098/003/\"",
        "title: x\n",
        "\ndetection: {}\n",
        "<input type=\"hidden\" name=\"id\" value=\"1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35\">",
        "<span class=\"sum\">3</span>",
        "2026-03-14 09:26:53",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
}

#[test]
fn faults_are_told_with_line_and_column_and_what_was_written_is_kept() {
    let fault = |file: &str, line| Diagnostic {
        file: file.into(),
        problem: Problem::error(Mark { line, column: 3 }, HARM).remedy("write another"),
    };
    let faults = [fault(TRIED, 7), fault("rules/filter.yaml", 2)];
    let form = TryForm {
        text: &format!("\n{HARM}"),
        days: "7",
        is_hidden: true,
        faults: &faults,
        warnings: &[],
        problems: &["Write a number.".to_owned()],
        is_tried: false,
    };
    let html = try_form(TEST_FRAME, &form).into_string();
    assert!(!html.contains("<script>alert"), "{html}");
    for expected in [
        "<code>line 7:3</code>",
        "<code>rules/filter.yaml:2:3</code>",
        "help: write another",
        "Write a number.",
        // A browser leaves out the first line break alone.
        "required>\n\n&lt;/textarea&gt;",
        "name=\"form-token\" value=\"the token\"",
        "A policy hides fields from your role.",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
}

fn answered(found: &TriedSoFar, days: Option<(i32, i32)>) -> String {
    let answer = TryAnswer {
        found,
        days,
        is_experimental: true,
        problem: None,
        notes: &[],
    };
    try_answer(TEST_FRAME, &answer).into_string()
}

#[test]
fn the_answer_counts_and_says_how_far_it_reaches() {
    let event = br#"{"class_uid":6003,"time":1773480413000,"actor":{"user":{"name":"<b>Jane"}},
        "api":{"operation":"DeleteTopic"},"metadata":{"uid":"e-1"}}"#;
    let id = "1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35".parse().unwrap();
    let mut found = TriedSoFar::default();
    (found.events, found.matches, found.suppressed) = (12_345, 3, 1);
    found.days = BTreeMap::from([(20_525, 1), (20_526, 2)]);
    found.newest.push(TriedMatch {
        time_us: 1_773_480_413_000_000,
        record: Stored::from(&RawRecord::of_value("events", event)),
    });
    found.also = BTreeMap::from([(id, ("Another <rule>".to_owned(), 2))]);
    found.whole_from = Some(20_525);
    let html = answered(&found, Some((20_520, 20_526)));
    for expected in [
        "from 2026-03-08 to 2026-03-14",
        "<li data-count=\"matches\"><strong>3</strong>",
        "<li data-count=\"suppressed\"><strong>1</strong>",
        "<li data-count=\"events\"><strong>12\u{202f}345</strong>",
        "of the day before it only a part: 2026-03-13",
        "2026-03-14: 2",
        "Another &lt;rule&gt;</bdi></a>: 2",
        "DeleteTopic",
        "href=\"/record?at=events%2F0%400\"",
        "The status of the rule is experimental",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(!html.contains("<b>Jane"), "{html}");
    found.whole_from = None;
    let html = answered(&found, Some((20_520, 20_526)));
    assert!(html.contains("Only a part of the newest day"), "{html}");
    found.is_whole = true;
    let html = answered(&found, Some((20_520, 20_526)));
    assert!(
        html.contains("These are all events of this time."),
        "{html}"
    );
    let html = answered(&TriedSoFar::default(), None);
    assert!(
        html.contains("The archive has no events of this time."),
        "{html}"
    );
}
