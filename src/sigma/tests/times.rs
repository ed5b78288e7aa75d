//! Parts of times: which of them match, in which time zone, and what is refused.

use serde_json::json;

use super::*;

/// A rule with one line, in the time zone that `zone` names.
fn rule(zone: &str, line: &str) -> Parsed {
    documents(&format!(
        "title: T\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {{}}\n{zone}\
         detection: {{s: {{{line}}}, condition: s}}\n"
    ))
}

fn holds(zone: &str, line: &str, event: &Json) -> bool {
    let mut parsed = rule(&format!("timezone: {zone}\n"), line);
    assert_eq!(parsed.problems, [], "{line}");
    matches(&parsed.rules.remove(0).detection, event)
}

/// 2026-03-14T23:45:13Z, a Saturday.
const SATURDAY: i64 = 1_773_531_913_000;

#[test]
fn each_part_of_a_time_compares_in_the_time_zone_of_the_rule() {
    let event = json!({"t": SATURDAY});
    for (zone, line, expected) in [
        ("UTC", "t|minute: 45", true),
        ("UTC", "t|hour: 23", true),
        ("Europe/Berlin", "t|hour: 23", false),
        ("Europe/Berlin", "t|hour: 0", true),
        ("Asia/Kolkata", "t|minute: 15", true),
        ("UTC", "t|day: 14", true),
        ("Europe/Berlin", "t|day: 15", true),
        ("UTC", "t|week: 11", true),
        ("UTC", "t|month: 3", true),
        ("UTC", "t|year: 2026", true),
        ("UTC", "t|hour: [1, 23]", true),
        ("UTC", "t|hour|neq: [1, 2]", true),
        ("UTC", "t|hour|gte: 22", true),
        ("UTC", "t|hour|gt: 23", false),
        ("UTC", "t|hour|lt: 23", false),
        ("UTC", "t|hour|lte: 23", true),
        ("UTC", "t|hour|lt|neq: 6", true),
    ] {
        assert_eq!(holds(zone, line, &event), expected, "{zone} {line}");
    }
}

#[test]
fn summer_time_and_the_weeks_of_iso_8601_are_followed() {
    let berlin = |text: &str, line: &str| holds("Europe/Berlin", line, &json!({"t": text}));
    assert!(berlin("2026-01-10T08:00:00Z", "t|hour: 9"));
    assert!(berlin("2026-07-10T08:00:00Z", "t|hour: 10"));
    assert!(berlin("2026-12-31T12:00:00Z", "t|week: 53"));
    assert!(berlin("2027-01-03T12:00:00Z", "t|week: 53"));
    assert!(berlin("2027-01-04T12:00:00Z", "t|week: 1"));
}

#[test]
fn without_a_time_zone_it_is_utc_and_an_array_matches_if_any_time_does() {
    assert!(line("t|hour: 23", json!({"t": SATURDAY})));
    assert!(line("t|hour: 23", json!({"t": ["no time", SATURDAY]})));
    for no_time in [
        json!("1773531913000"),
        json!(true),
        json!(null),
        json!({}),
        json!("23"),
    ] {
        assert!(!line("t|hour: 23", json!({"t": no_time})), "{no_time}");
    }
    assert!(
        line("t|hour|neq: 23", json!({"t": "no time"})),
        "as with any comparison"
    );
}

#[test]
fn the_same_hour_in_two_time_zones_is_two_comparisons() {
    let zones = ["UTC", "Europe/Berlin", "America/New_York"];
    let detections = zones.map(|zone| {
        rule(&format!("timezone: {zone}\n"), "t|hour: 23")
            .rules
            .remove(0)
            .detection
    });
    let engine = engine(&detections);
    let event = JsonEvent(json!({"t": SATURDAY}));
    assert_eq!(engine.matches(&event, &mut Scratch::default()), [0]);
    let outcome = engine.outcome(1, &detections[1], &event).unwrap();
    outcome.condition.lines(&mut |line| {
        assert_eq!(line.test.to_string(), "t: hour 23 (Europe/Berlin)");
        assert_eq!(line.values, ["2026-03-15T00:45:13+01:00"]);
    });
}

#[test]
fn a_time_zone_that_does_not_exist_is_an_error_and_an_unused_one_a_warning() {
    let shown = |zone: &str, line: &str| {
        let parsed = rule(zone, line);
        let [problem] = parsed.problems.as_slice() else {
            panic!("{:?}", parsed.problems);
        };
        let (mark, remedy) = (problem.mark, problem.remedy.clone().unwrap_or_default());
        let shown = format!(
            "{}:{} {} / {remedy}",
            mark.line, mark.column, problem.message
        );
        (shown, parsed.rules.len())
    };
    assert_eq!(
        shown("timezone: Europe/Berln\n", "t|hour: 3"),
        (
            "4:11 no time zone `Europe/Berln` / did you mean `Europe/Berlin`?".to_owned(),
            0
        )
    );
    assert_eq!(
        shown("timezone: '+02:00'\n", "t|hour: 3"),
        (
            "4:11 no time zone `+02:00` / write a name of the IANA database, such as `Europe/Berlin`".to_owned(),
            0
        )
    );
    let (unused, rules) = shown("timezone: Europe/Berlin\n", "t: 3");
    assert!(
        unused.starts_with("4:1 `timezone` has no effect"),
        "{unused}"
    );
    assert_eq!(rules, 1);
}
