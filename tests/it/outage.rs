//! Queue and pace of every kind of sink, as configured, on a simulated clock: a flood of alerts, and
//! an hour without an answer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use watchbell::config;
use watchbell::event::NextOffset;
use watchbell::notify::Sink;
use watchbell::notify::commit_metadata::CommitMetadata;
use watchbell::notify::pace::Pace;
use watchbell::notify::queue::{
    Arrival, ArrivalTimes, Notification, NotificationKind, Offered, Queue,
};
use watchbell::sigma::Level;

const MINUTE_MS: i64 = 60_000;

/// A turn of a sink's loop, and the time that an answer takes.
const TURN_MS: i64 = 10;

/// A kind of sink, and how many requests its vendor takes, in how long.
const KINDS: [(&str, Option<(usize, i64)>); 7] = [
    ("alertmanager, urls: ['http://am:9093']", None),
    ("pagerduty", Some((120, MINUTE_MS))),
    ("slack", Some((1, 1_000))),
    ("slack, channel: '#oncall'", Some((1, 1_000))),
    ("teams", Some((4, 1_000))),
    (
        "email, server: m, from: a@b.c, to: [a@b.c]",
        Some((40, MINUTE_MS)),
    ),
    ("webhook, url: 'http://soar/'", None),
];

fn sink(kind: &str) -> Sink {
    let text = format!(
        "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\n\
         notify:\n  oncall: {{type: {kind}}}\n"
    );
    let (name, secret) = match kind.split(',').next() {
        Some("pagerduty") => ("ROUTING_KEY", "KEY"),
        Some("slack") if kind.contains("channel") => ("TOKEN", "KEY"),
        Some("slack" | "teams") => ("WEBHOOK_URL", "https://hooks.example/"),
        Some("email") => ("DIGEST_INTERVAL", "5m"),
        _ => ("TOKEN", "KEY"),
    };
    let variable = (format!("WATCHBELL__NOTIFY__ONCALL__{name}"), secret.into());
    let loaded = config::from_parts(Some(("w.yaml", &text)), &[variable]);
    let mut loaded = loaded.unwrap_or_else(|faults| panic!("{kind}: {faults:?}"));
    loaded.config.sinks.remove(0)
}

struct Alert {
    at_ms: i64,
    group: String,
    level: Level,
}

/// The requests to a sink.
#[derive(Default)]
struct Asked {
    /// When, accepted or not.
    at_ms: Vec<i64>,
    /// When it accepted what.
    told: Vec<(i64, Notification<usize>)>,
}

impl Asked {
    /// How often each alert was told.
    fn times(&self, alerts: usize) -> Vec<usize> {
        let mut times = vec![0; alerts];
        for (_, notification) in &self.told {
            for (offset, times) in times.iter_mut().enumerate() {
                *times += usize::from(notification.offsets.contains(offset as i64));
            }
        }
        times
    }
}

/// Runs a sink over alerts until `until_ms`; it does not answer while `down`.
fn run(sink: &Sink, alerts: &[Alert], down: Range<i64>, until_ms: i64) -> Asked {
    run_by(sink, alerts, down, until_ms, |ms| ms)
}

/// The same where the wall clock shows `wall_ms` of the time that has passed.
fn run_by(
    sink: &Sink,
    alerts: &[Alert],
    down: Range<i64>,
    until_ms: i64,
    wall_ms: fn(i64) -> i64,
) -> Asked {
    let mut queue = Queue::resume(sink.pacing, NextOffset(0), CommitMetadata::default());
    let mut pace = Pace::new(sink.rate);
    let mut asked = Asked::default();
    let mut next = 0;
    for now_ms in (0..until_ms).step_by(TURN_MS as usize) {
        while let Some(alert) = alerts.get(next).filter(|alert| alert.at_ms <= now_ms)
            && queue.has_room()
        {
            let offered = Offered {
                group_key: alert.group.clone(),
                level: alert.level,
                rule: "a rule".into(),
                arrival: Arrival::InTime,
                alert: next,
            };
            let times = ArrivalTimes {
                now: now_ms,
                arrived: alert.at_ms,
                written_ms: wall_ms(alert.at_ms),
            };
            queue.offer(next as i64, times, Some(offered));
            next += 1;
        }
        if pace.next_ms() > now_ms {
            continue;
        }
        let Some(notification) = queue.next(now_ms) else {
            continue;
        };
        pace.request_sent(now_ms);
        asked.at_ms.push(now_ms);
        if down.contains(&now_ms) {
            pace.failed(now_ms, None, 0.5);
            let given_up = queue.failed(now_ms, notification);
            assert_eq!(given_up, None, "it is not too old");
        } else {
            pace.succeeded();
            queue.accepted(now_ms, &notification);
            asked.told.push((now_ms, notification));
        }
    }
    assert_eq!(
        (next, queue.unsent()),
        (alerts.len(), 0),
        "all alerts are sent"
    );
    assert!(queue.committable().0 >= NextOffset(0));
    asked
}

/// Asserts that no window has more requests than the vendor allows.
fn within(limit: Option<(usize, i64)>, at_ms: &[i64]) -> Result<(), String> {
    let Some((most, window_ms)) = limit else {
        return Ok(());
    };
    match at_ms.windows(most + 1).find(|w| w[most] - w[0] < window_ms) {
        Some(window) => Err(format!("{window:?}")),
        None => Ok(()),
    }
}

#[test]
fn a_flood_breaks_no_vendors_limit_and_loses_nothing() {
    const FLOOD: usize = 50_000;
    for (kind, limit) in KINDS {
        let sink = sink(kind);
        // Five thousand a second, each of a group of its own.
        let alerts: Vec<Alert> = (0..FLOOD)
            .map(|number| Alert {
                at_ms: number as i64 / 5,
                group: number.to_string(),
                level: Level::High,
            })
            .collect();
        let asked = run(&sink, &alerts, 0..0, 20 * MINUTE_MS);
        let told: u64 = asked.told.iter().map(|(_, n)| n.count).sum();
        assert_eq!(told, FLOOD as u64, "{kind}");
        within(limit, &asked.at_ms).unwrap_or_else(|window| panic!("{kind}: {window}"));
        match limit {
            // People get a few groups by themselves, and the rest as one digest.
            Some(_) => assert!(asked.told.len() < 200, "{kind}: {}", asked.told.len()),
            None => assert_eq!(asked.told.len(), FLOOD, "{kind}"),
        }
    }
}

#[test]
fn after_an_hour_without_an_answer_every_alert_is_sent_once_the_most_severe_and_oldest_first() {
    let down = MINUTE_MS..61 * MINUTE_MS;
    for (kind, limit) in KINDS {
        let sink = sink(kind);
        let mut alerts: Vec<Alert> = (1..70 * 6)
            .map(|number| Alert {
                at_ms: number * 10_000,
                // Every sixth is the same again.
                group: if number % 6 == 0 { 0 } else { number }.to_string(),
                level: Level::High,
            })
            .collect();
        alerts[180].level = Level::Critical;
        let asked = run(&sink, &alerts, down.clone(), 90 * MINUTE_MS);
        let times = asked.times(alerts.len());
        assert!(times.iter().all(|times| *times == 1), "{kind}: {times:?}");
        within(limit, &asked.at_ms).unwrap_or_else(|window| panic!("{kind}: {window}"));

        let in_vain = asked.at_ms.iter().filter(|at| down.contains(at)).count();
        assert!(
            (60..140).contains(&in_vain),
            "{kind}: asked {in_vain} times"
        );
        let caught_up: Vec<&Notification<usize>> = asked
            .told
            .iter()
            .filter(|(at_ms, n)| *at_ms >= down.end && n.first_ms < down.end)
            .map(|(_, notification)| notification)
            .collect();
        let back = asked
            .told
            .iter()
            .map(|(at_ms, _)| *at_ms)
            .find(|at| *at >= down.end);
        let after = Duration::from_millis((back.expect("an answer") - down.end) as u64);
        assert!(after <= Duration::from_secs(60), "{kind}: {after:?}");
        // The one that was being tried, then by level, then by age; the digest over the rest last.
        let worst = caught_up.iter().position(|n| n.level == Level::Critical);
        assert!(worst.is_some_and(|at| at <= 1), "{kind}: {worst:?}");
        let ages: Vec<i64> = caught_up
            .iter()
            .skip(2)
            .filter(|n| n.kind == NotificationKind::First)
            .map(|n| n.first_ms)
            .collect();
        assert!(ages.is_sorted(), "{kind}: {ages:?}");
        let kinds = caught_up.iter().fold(BTreeMap::new(), |mut kinds, n| {
            *kinds.entry(n.group_key.is_some()).or_insert(0) += 1;
            kinds
        });
        match limit {
            Some(_) => assert_eq!(
                (kinds[&true] <= 24, kinds[&false]),
                (true, 1),
                "{kind}: {kinds:?}"
            ),
            None => assert_eq!(kinds.get(&false), None, "{kind}"),
        }
    }
}

/// A clock that is set seven hours ahead, then fourteen back, then right again.
fn jumping(ms: i64) -> i64 {
    let hours = match ms / MINUTE_MS {
        0..10 => 0,
        10..30 => 7,
        30..50 => -7,
        _ => 0,
    };
    ms + hours * 60 * MINUTE_MS
}

#[test]
fn a_wall_clock_that_jumps_by_hours_delays_repeats_and_loses_no_alert() {
    for (kind, _) in KINDS {
        let sink = sink(kind);
        let alerts: Vec<Alert> = (1..60 * 6)
            .map(|number| Alert {
                at_ms: number * 10_000,
                group: (number % 20).to_string(),
                level: Level::High,
            })
            .collect();
        // Down over both jumps.
        let (down, until_ms) = (5 * MINUTE_MS..40 * MINUTE_MS, 90 * MINUTE_MS);
        let told = |asked: Asked| -> Vec<(i64, u64)> {
            let told = asked.told.iter();
            told.map(|(at_ms, one)| (*at_ms, one.count)).collect()
        };
        let jumped = run_by(&sink, &alerts, down.clone(), until_ms, jumping);
        assert!(jumped.times(alerts.len()).iter().all(|times| *times == 1));
        let steady = run(&sink, &alerts, down, until_ms);
        assert_eq!(told(jumped), told(steady), "{kind}");
    }
}
