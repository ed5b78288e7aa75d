//! What is counted and found, beside the same done plainly, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde_json::{Value, json};

use super::windows::{WindowRows, Windows};
use super::*;
use crate::archive::{Rows, TableKind, begin_of_day_ms, day_of};
use crate::event::{Header, Offset, Position, RawRecord};
use crate::kafka::Stored;
use crate::sigma::Pattern;
use crate::view::Emitted;
use crate::{privacy, yaml};

const HOUR_MS: i64 = 3_600_000;

/// 2026-02-26T00:00:00Z, three days before the end of a month and of a week.
const THURSDAY_MS: i64 = 1_772_064_000_000;

/// Events of eight days, and some of other ages.
fn events() -> Vec<Value> {
    let names = [
        "Ann",
        "ann",
        "ÄNN",
        "bob*",
        "a name that no view holds in itself",
    ];
    let mut times: Vec<i64> = (0..80)
        .map(|number| THURSDAY_MS + number * HOUR_MS * 5 / 2 - 1)
        .collect();
    times.extend([-1, 0, -HOUR_MS * 30, 253_402_300_799_999]);
    let numbered = times.into_iter().enumerate();
    let events = numbered.map(|(number, time)| {
        let mut user = json!({"uid": format!("u-{}", number % 7)});
        if number % 3 > 0 {
            user["name"] = names[number % names.len()].into();
        }
        let operation = ["kafka.DeleteTopics", "CreateRole"][number % 2];
        // Some have no name, and some are there twice.
        let resources = (0..number % 4).map(|at| match (at + number) % 3 {
            0 => json!({"uid": format!("lkc-{at}")}),
            1 => json!({"uid": "lkc-0", "name": names[0]}),
            _ => json!({"uid": format!("lkc-{at}"), "name": names[at]}),
        });
        json!({
            "class_uid": 6003, "class_name": "API Activity", "time": time, "status": "Success",
            "metadata": {"uid": format!("id-{number}"), "log_name": "confluent-cloud-v2"},
            "actor": {"user": user},
            "api": {"operation": operation, "service": {"name": "kafka"}},
            "resources": resources.collect::<Vec<_>>(),
        })
    });
    events.collect()
}

fn engine(events: &[Value]) -> Engine {
    const TOPIC: &str = "watchbell.events";
    let mut engine = Engine::new(256 << 20).unwrap();
    // Some batches, as files and the ends of topics have them.
    let batches = events.chunks(17).enumerate().map(|(number, events)| {
        let mut rows = Rows::new(TableKind::Events);
        for (at, event) in events.iter().enumerate() {
            let value = event.to_string();
            let mut record = RawRecord::of_value(TOPIC, value.as_bytes());
            if event["by_page"] == true {
                record.headers.push(Header {
                    name: "watchbell-origin",
                    value: Some(b"page"),
                });
            }
            record.position = Position {
                offset: Offset((number * 17 + at) as i64),
                ..record.position
            };
            rows.push(&Emitted::new(record));
        }
        rows.take().unwrap()
    });
    let batches: Vec<_> = batches.collect();
    engine.add_unstored(TableKind::Events, &batches).unwrap();
    engine
}

fn time_ms(event: &Value) -> i64 {
    event["time"].as_i64().unwrap()
}

/// The values of a column.
fn values<'e>(event: &'e Value, column: &str) -> Vec<&'e str> {
    let user = &event["actor"]["user"];
    let of_resources = |part: &str| {
        let resources = event["resources"].as_array().unwrap().iter();
        resources
            .filter_map(|resource| resource[part].as_str())
            .collect()
    };
    match column {
        "actor_uid" => user["uid"].as_str().into_iter().collect(),
        "actor_name" => user["name"].as_str().into_iter().collect(),
        "operation" => event["api"]["operation"].as_str().into_iter().collect(),
        "resource_uid" => of_resources("uid"),
        "resource_name" => of_resources("name"),
        "resource" => {
            let resources = event["resources"].as_array().unwrap().iter();
            let name = |resource: &'e Value| resource["name"].as_str().or(resource["uid"].as_str());
            resources.filter_map(name).collect()
        }
        _ => Vec::new(),
    }
}

/// An attribute, its columns, and patterns for it.
type Patterns = (Attribute, [&'static str; 2], &'static [&'static str]);

/// Conditions, and whether each event meets them.
fn questions(events: &[Value]) -> Vec<(Conditions, Vec<bool>)> {
    let midday = THURSDAY_MS + 12 * HOUR_MS;
    let spans = [
        (None, None),
        (Some(THURSDAY_MS), Some(THURSDAY_MS + 72 * HOUR_MS)),
        (Some(midday), Some(midday + 96 * HOUR_MS)),
        (Some(midday), Some(midday + HOUR_MS)),
        (None, Some(midday)),
        (Some(midday), None),
        (Some(i64::MAX), None),
        (Some(i64::MIN), Some(i64::MAX)),
    ];
    let actor = ["actor_uid", "actor_name"];
    let resource = ["resource_uid", "resource_name"];
    let attributes: [Option<Patterns>; 6] = [
        None,
        Some((Attribute::Actor, actor, &["ANN"])),
        Some((Attribute::Actor, actor, &["änn", "u-3", r"bob\*"])),
        Some((
            Attribute::Operation,
            ["operation"; 2],
            &["*topics", "create????"],
        )),
        Some((Attribute::Resource, resource, &["lkc-2", "a NAME*"])),
        Some((Attribute::Resource, resource, &["nothing"])),
    ];
    let both = spans
        .into_iter()
        .flat_map(|span| attributes.iter().map(move |attribute| (span, attribute)));
    let questions = both.map(|((from_ms, to_ms), attribute)| {
        let conditions = Conditions {
            from_ms,
            to_ms,
            attributes: attribute
                .iter()
                .map(|(of, _, patterns)| {
                    let patterns = patterns.iter().map(|text| (*text).to_owned());
                    (*of, patterns.collect())
                })
                .collect(),
            ..Conditions::default()
        };
        let meets = |event: &Value| {
            let is_in_time = from_ms.is_none_or(|from_ms| time_ms(event) >= from_ms)
                && to_ms.is_none_or(|to_ms| time_ms(event) < to_ms);
            let fits = attribute.is_none_or(|(_, columns, patterns)| {
                let mut values = columns.iter().flat_map(|column| values(event, column));
                values.any(|value| patterns.iter().any(|text| Pattern::of(text).finds(value)))
            });
            is_in_time && fits
        };
        let met = events.iter().map(meets).collect();
        (conditions, met)
    });
    questions.collect()
}

#[tokio::test]
async fn conditions_find_what_meets_them() {
    let events = events();
    let engine = engine(&events);
    let mut all = 0;
    for (conditions, met) in questions(&events) {
        let expected = met.iter().filter(|met| **met).count();
        let found = engine.count(TableKind::Events, &conditions).await.unwrap();
        assert_eq!(found, expected, "{conditions:?}");
        all += found;
    }
    assert!(all > 200, "{all}");
}

#[tokio::test]
async fn rows_are_counted_in_each_unit_of_time() {
    let events = events();
    let engine = engine(&events);
    for (conditions, met) in questions(&events) {
        for unit in [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month] {
            let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
            let met = events.iter().zip(&met).filter(|(_, met)| **met);
            for (event, _) in met {
                let begin_ms = unit.begin_ms(time_ms(event) * 1_000);
                *expected.entry(begin_ms).or_default() += 1;
            }
            let counts = engine.histogram(TableKind::Events, &conditions, unit).await;
            let mut found = Vec::new();
            for batch in counts.unwrap().collect().await.unwrap() {
                let begins = batch.column(0).as_primitive::<TimestampMicrosecondType>();
                let counts = batch.column(1).as_primitive::<Int64Type>();
                let bars = begins.values().iter().zip(counts.values());
                found.extend(bars.map(|(begin, count)| (begin / 1_000, *count as u64)));
            }
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(found, expected, "{unit:?} {conditions:?}");
        }
    }
}

/// The newest rows are those of the plain way, whatever windows they are looked for in, and each is counted once.
#[tokio::test]
async fn windows_of_any_size_find_the_newest_rows_and_count_all() {
    let events = events();
    let engine = engine(&events);
    let mut newest: Vec<usize> = (0..events.len()).collect();
    newest.sort_by_key(|number| (time_ms(&events[*number]), *number));
    newest.reverse();
    let (mut cut, mut counted_early) = (0, 0);
    for (conditions, met) in questions(&events) {
        let expected: Vec<usize> = newest.iter().copied().filter(|at| met[*at]).collect();
        for (rows, limit) in [(1, 9), (3, 200)] {
            let wanted = search::Newest {
                table: TableKind::Events,
                conditions: &conditions,
                limit: Some(limit),
                columns: &["offset"],
            };
            let rows = WindowRows {
                first: rows,
                most: rows,
            };
            let known = || engine.known_days(TableKind::Events).collect();
            let windows = || Windows::new(known(), conditions.time_us(), rows);
            cut += windows()
                .filter(|window| window.from_us % (24 * HOUR_MS * 1_000) != 0)
                .count();
            let mut found = Vec::new();
            let mut take = |rows: &Found| {
                let offsets = rows.rows.column(0).as_primitive::<Int64Type>();
                found.extend(offsets.values().iter().map(|offset| *offset as usize));
                ControlFlow::Continue(())
            };
            let mut bars = Bars::new(Unit::Hour);
            let find = engine.newest_in(&wanted, windows(), Some(&mut bars), &mut take);
            find.await.unwrap();
            assert_eq!(
                found,
                expected[..limit.min(expected.len())],
                "{rows:?} {conditions:?}"
            );
            counted_early += bars.iter().count();
            let count = engine.count_bars(TableKind::Events, &conditions, &mut bars);
            count.await.unwrap();
            let mut whole = Bars::new(Unit::Hour);
            let times = expected.iter().map(|at| time_ms(&events[*at]) * 1_000);
            whole.add(&times.collect::<Vec<i64>>());
            assert!(bars.iter().eq(whole.iter()), "{rows:?} {conditions:?}");
        }
    }
    assert!(
        cut > 1_000 && counted_early > 1_000,
        "{cut}, {counted_early}"
    );
}

/// What others do on the page is hidden from somebody with a policy, and does not take the place of what is shown.
#[tokio::test]
async fn the_newest_rows_are_those_that_a_policy_leaves() {
    let of_vendor = events();
    let mut all = of_vendor.clone();
    for number in 0..60 {
        let mut by_page = of_vendor[79].clone();
        by_page["by_page"] = true.into();
        by_page["metadata"]["uid"] = format!("page-{number}").into();
        all.push(by_page);
        // A record without the form of an event, as a route may write it.
        all.push(json!({"time": time_ms(&of_vendor[79]), "number": number}));
    }
    let text = "[{name: people, fields: {actor.user.uid: mask}, topics: [t]}]";
    let (mut policies, problems) = privacy::read(&yaml::document(text).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let policy = Arc::new(policies.remove(0));
    let hiding = engine(&all).hiding(&policy).await.unwrap();
    let whole = engine(&of_vendor);
    let before = Before {
        time_us: time_ms(&of_vendor[79]) * 1_000 + 1,
        topic: "watchbell.events".into(),
        partition: 0,
        offset: 0,
    };
    for before in [None, Some(before)] {
        let conditions = Conditions {
            before,
            ..Conditions::default()
        };
        let kind = TableKind::Events;
        let shown = hiding.newest_records(kind, &conditions, 10).await.unwrap();
        let expected = whole.newest_records(kind, &conditions, 10).await.unwrap();
        let places = |of: &[Stored]| of.iter().map(Stored::order).collect::<Vec<_>>();
        assert_eq!(shown.len(), 10);
        assert_eq!(places(&shown), places(&expected));
    }
}

#[test]
fn weeks_begin_on_mondays_and_months_on_their_first_day() {
    let monday_ms = THURSDAY_MS - 72 * HOUR_MS;
    let in_week = [monday_ms, THURSDAY_MS, monday_ms + 168 * HOUR_MS - 1];
    for time_ms in in_week {
        assert_eq!(Unit::Week.begin_ms(time_ms * 1_000), monday_ms);
    }
    let february_ms = THURSDAY_MS - 25 * 24 * HOUR_MS;
    assert_eq!(Unit::Month.begin_ms(THURSDAY_MS * 1_000), february_ms);
    // 1969-12-31 was a Wednesday.
    assert_eq!(Unit::Week.begin_ms(-1), begin_of_day_ms(-3));
    assert_eq!(Unit::Month.begin_ms(-1), begin_of_day_ms(-31));
    assert_eq!(Unit::Hour.begin_ms(-1), -HOUR_MS);
    assert_eq!(day_of(i64::MAX), i32::MAX);
}

#[tokio::test]
async fn a_row_counts_once_for_each_of_its_values() {
    let events = events();
    let engine = engine(&events);
    let by_resource: &[&[&str]] = &[
        &["resource"],
        &["resource_uid", "resource_name"],
        &["actor_uid", "resource"],
        &["resource_name", "operation"],
    ];
    let mut repeated = 0;
    for names in by_resource {
        let mut expected: BTreeMap<Vec<&str>, i64> = BTreeMap::new();
        for event in &events {
            let resources = event["resources"].as_array().unwrap();
            let mut groups: Vec<Vec<&str>> = Vec::new();
            let each: Vec<&Value> = match resources.is_empty() {
                true => vec![&Value::Null],
                false => resources.iter().collect(),
            };
            for resource in each {
                let value = |name: &&str| match *name {
                    "resource" => resource["name"].as_str().or(resource["uid"].as_str()),
                    "resource_uid" => resource["uid"].as_str(),
                    "resource_name" => resource["name"].as_str(),
                    of_row => values(event, of_row).first().copied(),
                };
                groups.push(
                    names
                        .iter()
                        .map(|name| value(name).unwrap_or("-"))
                        .collect(),
                );
            }
            let different: BTreeSet<Vec<&str>> = groups.iter().cloned().collect();
            repeated += groups.len() - different.len();
            for group in different {
                *expected.entry(group).or_default() += 1;
            }
        }
        let by: Vec<Grouping> = names
            .iter()
            .map(|name| Grouping::of(TableKind::Events, name).unwrap())
            .collect();
        let all = Conditions::default();
        let counts = engine.count_by(TableKind::Events, &all, &by, None);
        let mut found: BTreeMap<Vec<String>, i64> = BTreeMap::new();
        for batch in counts.await.unwrap().collect().await.unwrap() {
            for row in 0..batch.num_rows() {
                let group = (0..names.len()).map(|column| {
                    let texts = batch.column(column).as_string_view();
                    let text = texts.iter().nth(row).flatten();
                    text.unwrap_or("-").to_owned()
                });
                let counts = batch.column(names.len()).as_primitive::<Int64Type>();
                found.insert(group.collect(), counts.value(row));
            }
        }
        let expected: BTreeMap<Vec<String>, i64> = expected
            .into_iter()
            .map(|(group, count)| (group.into_iter().map(str::to_owned).collect(), count))
            .collect();
        assert_eq!(found, expected, "{names:?}");
    }
    assert!(repeated > 5, "{repeated}");
}

#[tokio::test]
async fn facets_count_every_value_with_its_first_and_last_time() {
    const COLUMNS: [&str; 6] = [
        "resource",
        "actor_name",
        "resource_uid",
        "operation",
        "resource_name",
        "actor_uid",
    ];
    let events = events();
    let engine = engine(&events);
    for (conditions, met) in questions(&events) {
        let facets = engine.facets(TableKind::Events, &conditions, &COLUMNS, (3, Unit::Day));
        let facets = facets.await.unwrap();
        for (facet, column) in facets.columns.iter().zip(COLUMNS) {
            let mut expected: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
            for (event, _) in events.iter().zip(&met).filter(|(_, met)| **met) {
                for value in values(event, column).into_iter().collect::<BTreeSet<_>>() {
                    expected.entry(value).or_default().push(time_ms(event));
                }
            }
            let expected = expected.into_iter().map(|(value, times)| FacetValue {
                value: value.to_owned(),
                count: times.len() as u64,
                span_ms: (*times.iter().min().unwrap(), *times.iter().max().unwrap()),
            });
            let mut expected: Vec<FacetValue> = expected.collect();
            expected.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
            assert_eq!(facet.distinct, expected.len());
            expected.truncate(3);
            assert_eq!((facet.column, &facet.values), (column, &expected));
        }
        let total: u64 = facets.times.iter().map(|(_, count)| count).sum();
        assert_eq!(total, met.iter().filter(|met| **met).count() as u64);
    }
}

#[tokio::test]
async fn values_are_counted_within_the_memory() {
    let mut engine = Engine::new(4_000).unwrap();
    let events: Vec<Value> = (0..500)
        .map(|number| json!({"class_uid": 6003, "time": number, "actor": {"user": {"uid": format!("u-{number}")}}}))
        .collect();
    let mut rows = Rows::new(TableKind::Events);
    for event in &events {
        let value = event.to_string();
        rows.push(&Emitted::new(RawRecord::of_value("t", value.as_bytes())));
    }
    engine
        .add_unstored(TableKind::Events, &[rows.take().unwrap()])
        .unwrap();
    let conditions = Conditions::default();
    let facets = engine.facets(
        TableKind::Events,
        &conditions,
        &["actor_uid"],
        (3, Unit::Day),
    );
    let error = facets.await.unwrap_err().to_string();
    assert!(error.contains("facets"), "{error}");
}
