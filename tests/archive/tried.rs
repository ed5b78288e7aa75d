//! A rule that is tried on an archive fires on the events on which it has raised alerts, and on no others.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use watchbell::archive::{begin_of_day_ms, day_of};
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

#[test]
fn only_the_events_of_the_span_are_looked_at_and_the_newest_are_kept() {
    let archive = documented();
    let (engine, rules) = (archive.engine(), rules(&["pack:confluent"]));
    let all = "\
title: Everything
id: 44444444-4444-4444-8444-444444444444
logsource: {}
detection: {s: {class_uid|exists: true}, condition: s}
group_by: [metadata.uid]
";
    let whole = tried(&engine, &rules, all, EVER);
    assert!(whole.matches > 50, "{}", whole.matches);
    assert_eq!(whole.newest.len(), 50);
    let times = whole.newest.iter().map(|one| one.time_us);
    assert!(times.rev().is_sorted(), "the newest are first");
    let oldest_kept = whole.newest[49].time_us;
    let sql = format!(
        "SELECT arrow_cast('newer', 'Utf8View'), count(*) FROM events WHERE time > arrow_cast(arrow_cast({oldest_kept}, 'Int64'), 'Timestamp(Microsecond, Some(\"UTC\"))')"
    );
    assert!(
        asked(&engine, &sql)[0].1[0] < 50,
        "a newer one was left out"
    );
    let (day, matches) = whole
        .days
        .iter()
        .max_by_key(|(_, matches)| **matches)
        .unwrap();
    let begin_ms = begin_of_day_ms(*day);
    let of_day = tried(&engine, &rules, all, (begin_ms, begin_of_day_ms(day + 1)));
    assert_eq!(of_day.matches, *matches);
    assert_eq!(of_day.days.keys().collect::<Vec<_>>(), [day]);
    assert_eq!(of_day.whole_from, Some(*day));
    assert!(of_day.events < whole.events);
    assert_eq!(
        engine.newest_day(watchbell::archive::TableKind::Events, begin_ms),
        Some(day_of(begin_ms))
    );
    let none = tried(&engine, &rules, all, (begin_ms, begin_ms));
    assert_eq!((none.events, none.matches, none.is_whole), (0, 0, true));
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
