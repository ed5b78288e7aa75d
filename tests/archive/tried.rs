//! A rule that is tried on an archive fires on the events on which it has raised alerts, and on no others.

use std::path::Path;
use std::task::Poll;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use watchbell::archive::{TableKind, begin_of_day_ms};
use watchbell::pipeline::{self, Catalogs};
use watchbell::query::archive::{Engine, Trial, TriedSoFar};
use watchbell::roles::rulebook::load_rules;
use watchbell::rules::{Overrides, RuleSet, RuleSource};

use super::fixture::Archive;

/// All times.
const EVER: (i64, i64) = (i64::MIN / 2_000, i64::MAX / 2_000);

fn documented() -> Archive {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = ["confluent/shapes.ndjson", "actiontrail/shapes.ndjson"];
    Archive::of(&files.map(|file| data.join(file)))
}

/// The rules of these packs and files.
fn rules(sources: &[&str]) -> RuleSet<pipeline::Path> {
    let sources: Vec<RuleSource> = sources.iter().map(|one| one.parse().unwrap()).collect();
    let catalogs = Catalogs::shipped().unwrap();
    load_rules(&sources, &catalogs, &Overrides::default(), None).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

fn tried(
    engine: &Engine,
    rules: &RuleSet<pipeline::Path>,
    text: &str,
    span: (i64, i64),
) -> TriedSoFar {
    let trial = Trial::new(rules, text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    let mut found = TriedSoFar::default();
    run(engine.try_rule(&trial, span, 0, &mut found)).unwrap();
    found
}

/// The columns of an answer in SQL: a text, then numbers.
fn asked(engine: &Engine, sql: &str) -> Vec<(String, Vec<u64>)> {
    let batches = run(async { engine.sql(sql).await?.collect().await }).unwrap();
    let mut rows = Vec::new();
    for batch in batches {
        let texts = batch.column(0).as_string_view();
        for row in (0..batch.num_rows()).filter(|row| texts.is_valid(*row)) {
            let numbers = batch.columns()[1..].iter();
            let numbers =
                numbers.map(|one| one.as_primitive::<Int64Type>().value(row).unsigned_abs());
            rows.push((texts.value(row).to_owned(), numbers.collect()));
        }
    }
    rows
}

/// The YAML of a rule.
fn text<'r>(rules: &'r RuleSet<pipeline::Path>, id: &str) -> &'r str {
    let loaded = rules.rules().iter().find(|one| one.rule.id.as_str() == id);
    let loaded = loaded.unwrap_or_else(|| panic!("no rule {id}"));
    rules.text_of(&loaded.file, loaded.rule.id_mark).unwrap()
}

#[test]
fn a_rule_in_force_would_have_raised_what_it_has_raised() {
    let archive = documented();
    let (engine, rules) = (
        archive.engine(),
        rules(&["pack:confluent", "pack:actiontrail"]),
    );
    let events = asked(
        &engine,
        "SELECT arrow_cast('all', 'Utf8View'), count(*) FROM events",
    );
    let raised = asked(
        &engine,
        "SELECT rule_id, count(*), count(DISTINCT group_key) FROM alerts GROUP BY rule_id ORDER BY 2 DESC, 1",
    );
    let mut compared = 0;
    for (id, counts) in raised {
        // Built-in rules are about no event, and rules of other packs are in no set here.
        if !rules.rules().iter().any(|one| one.rule.id.as_str() == id) || compared == 12 {
            continue;
        }
        compared += 1;
        let found = tried(&engine, &rules, text(&rules, &id), EVER);
        assert_eq!([found.matches, found.groups().0 as u64], counts[..], "{id}");
        assert_eq!(vec![found.events], events[0].1, "{id}");
        assert!(found.is_whole && found.suppressed == 0, "{id}");
        let by_day = run(engine.raised_by_day(EVER.0)).unwrap();
        assert_eq!(found.days, by_day[&id], "{id}");
    }
    assert_eq!(compared, 12);
}

/// The deletion of a Flink statement, which the documentation shows once.
const STATEMENT_DELETED: &str = "c6c488e7-369c-4286-a8cc-d81b69940fda";

#[test]
fn a_changed_rule_finds_other_events_in_the_vendors_names_too() {
    let archive = documented();
    let (engine, rules) = (
        archive.engine(),
        rules(&["pack:confluent", "pack:actiontrail"]),
    );
    let written = text(&rules, STATEMENT_DELETED);
    let found = tried(&engine, &rules, written, EVER);
    assert_eq!((found.matches, found.newest.len()), (1, 1));
    let event = found.newest[0].record.record();
    let event: serde_json::Value = serde_json::from_slice(event.value.unwrap()).unwrap();
    assert_eq!(event["api"]["operation"], "DeleteStatement");
    let other = written.replace("operation: DeleteStatement", "operation: CreateStatement");
    let found = tried(&engine, &rules, &other, EVER);
    assert_eq!(
        (found.matches, found.newest.len(), found.groups()),
        (0, 0, (0, false))
    );
    assert!(found.events > 40, "{}", found.events);
    let native = "\
title: Deleted by the vendor's name
id: 44444444-4444-4444-8444-444444444444
logsource: {product: confluent}
detection: {s: {data.methodName: DeleteStatement, data.authorizationInfo.granted: null}, condition: s}
";
    let found = tried(&engine, &rules, native, EVER);
    assert_eq!(found.matches, 1);
    let (title, count) = &found.also[&STATEMENT_DELETED.parse().unwrap()];
    assert_eq!((&**title, *count), ("Flink statement deleted", 1));
}

/// Deletions of three days: on the first 10, on the second 50, on the third 60, one a minute, each by one of five people.
fn of_three_days() -> Archive {
    let folder = tempfile::TempDir::new().unwrap();
    let mut lines = String::new();
    for (day, count) in [(12, 10), (13, 50), (14, 60)] {
        for minute in 0..count {
            let event = serde_json::json!({
                "eventId": format!("{day}-{minute}"), "eventVersion": "1", "eventType": "ApiCall", "eventRW": "Write",
                "eventSource": "realtimecompute.aliyuncs.com", "serviceName": "RealtimeCompute",
                "eventName": "DeleteDeployment", "eventTime": format!("2026-03-{day}T09:{minute:02}:00Z"),
                "sourceIpAddress": "203.0.113.9", "resourceName": format!("job-{minute}"),
                "resourceType": "ACS::RealtimeCompute::Deployment",
                "userIdentity": {"type": "ram-user", "principalId": format!("{}", minute % 5), "accountId": "1"},
            });
            lines += &format!("{event}\n");
        }
    }
    let file = folder.path().join("days.ndjson");
    std::fs::write(&file, lines).unwrap();
    Archive::of(&[file])
}

#[test]
fn only_the_events_of_the_span_are_looked_at_and_the_newest_are_kept() {
    let archive = of_three_days();
    let (engine, rules) = (archive.engine(), rules(&["pack:actiontrail"]));
    let rule = "\
title: A deployment is deleted
id: 44444444-4444-4444-8444-444444444444
logsource: {product: actiontrail}
detection: {s: {api.operation: DeleteDeployment}, condition: s}
";
    let day = |text: &str| watchbell::archive::day_number(text);
    let (first, second, third) = (day("2026-03-12"), day("2026-03-13"), day("2026-03-14"));
    let found = tried(&engine, &rules, rule, EVER);
    assert_eq!(
        (found.events, found.matches, found.groups()),
        (120, 120, (5, false))
    );
    assert_eq!(found.days, [(first, 10), (second, 50), (third, 60)].into());
    assert_eq!((found.whole_from, found.is_whole), (Some(first), true));
    let minute_ms = 60_000;
    let nine_ms = begin_of_day_ms(third) + 9 * 60 * minute_ms;
    let expected = (10..60)
        .rev()
        .map(|minute| (nine_ms + minute * minute_ms) * 1_000);
    let kept: Vec<i64> = found.newest.iter().map(|one| one.time_us).collect();
    assert_eq!(kept, expected.collect::<Vec<_>>());
    // From 9:45 of the second day to 9:20 of the third, which is left out.
    let from_ms = begin_of_day_ms(second) + (9 * 60 + 45) * minute_ms;
    let span = (from_ms, nine_ms + 20 * minute_ms);
    let found = tried(&engine, &rules, rule, span);
    assert_eq!((found.events, found.matches), (25, 25));
    assert_eq!(found.days, [(second, 5), (third, 20)].into());
    let by_resource = format!("{rule}group_by: [resources.uid]\n");
    assert_eq!(
        tried(&engine, &rules, &by_resource, span).groups(),
        (25, false)
    );
    let none = tried(&engine, &rules, rule, (nine_ms, nine_ms));
    assert_eq!((none.events, none.matches, none.is_whole), (0, 0, true));
    let newest = |day| engine.newest_day(TableKind::Events, begin_of_day_ms(day));
    assert_eq!(
        [first - 1, first, third, third + 100].map(newest),
        [None, Some(first), Some(third), Some(third)]
    );
}

#[test]
fn what_was_found_is_right_wherever_the_search_is_ended() {
    let archive = of_three_days();
    let (engine, rules) = (archive.engine(), rules(&["pack:actiontrail"]));
    let rule = "title: A\nid: 44444444-4444-4444-8444-444444444444\nlogsource: {}\n\
        detection: {s: {actor.user.uid: '0'}, condition: s}\n";
    let trial = Trial::new(&rules, rule).unwrap();
    let mut found = TriedSoFar::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut search = Box::pin(engine.try_rule(&trial, EVER, 0, &mut found));
        // Ended after the first time that it waits.
        let first = std::future::poll_fn(|context| Poll::Ready(search.as_mut().poll(context)));
        assert!(first.await.is_pending());
    });
    let TriedSoFar {
        events,
        matches,
        is_whole,
        ..
    } = found;
    assert!(
        !is_whole && events < 120 && matches * 5 <= events,
        "{matches} of {events}"
    );
}

#[test]
fn filters_of_the_configuration_keep_events_out_and_suppressions_are_counted() {
    let archive = documented();
    let engine = archive.engine();
    let suppression = format!(
        "title: Known\nid: 33333333-3333-4333-8333-333333333333\nsuppress:\n  rules: [{STATEMENT_DELETED}]\n  \
         owner: team\n  reason: known\n  expires: 9999-12-01\n"
    );
    let filter = "title: Not grace\nlogsource: {product: confluent}\nfilter: {rules: any, g: {api.operation: DeleteStatement}, condition: g}\n";
    for (more, expected) in [(&*suppression, (1, 1)), (filter, (0, 0))] {
        let file = archive.file("more.yaml");
        std::fs::write(&file, more).unwrap();
        let rules = rules(&["pack:confluent", file.to_str().unwrap()]);
        let found = tried(&engine, &rules, text(&rules, STATEMENT_DELETED), EVER);
        assert_eq!((found.matches, found.suppressed), expected, "{more}");
    }
}
