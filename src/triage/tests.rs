//! Incidents, held to a model that takes alerts and decisions one after the other as they happen.

use proptest::prelude::*;

use super::*;
use crate::sigma::Level;

const HOUR_MS: i64 = 3_600_000;

fn alert(offset: i64, written_ms: i64, group: &str) -> Alert {
    Alert {
        topic: "alerts".into(),
        mark: Mark { offset, written_ms },
        time_ms: written_ms - 500,
        group: group.into(),
        level: Some(Level::ALL[usize::try_from(offset).unwrap() % 5]),
        rule_id: "1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35".into(),
        rule: "A rule".into(),
        title: format!("alert {offset}"),
    }
}

fn change(at_ms: i64, who: &str, state: TriageState) -> Change {
    Change {
        at_ms,
        who: who.into(),
        state,
        assignee: "on call".into(),
        comment: "seen \u{202e}\"<b>".into(),
    }
}

/// Decides on the incident of a key as it is seen, and writes that into the topic.
fn decide(incidents: &[Incident], key: &IncidentKey, state: TriageState, topic: &mut Vec<Triage>) {
    let incident = named(incidents, key).expect("an incident");
    let change = change(incident.seen.through.written_ms, "jane", state);
    topic.push(incident.decided(incident.seen.through.offset, change));
}

fn board(topic: &[Triage]) -> Board {
    let mut board = Board::default();
    read(&mut board, topic, 0..topic.len());
    board
}

fn read(board: &mut Board, topic: &[Triage], offsets: std::ops::Range<usize>) {
    for offset in offsets {
        let key = topic[offset].seen.key.to_string();
        let value = topic[offset].to_json();
        let offset = i64::try_from(offset).unwrap();
        board
            .read(offset, Some(key.as_bytes()), Some(&value))
            .expect("a record");
    }
}

/// The keys and the offsets of the alerts of each incident, sorted by key.
fn told(incidents: &[Incident]) -> Vec<(String, TriageState, Vec<i64>)> {
    let offsets = |incident: &Incident| {
        incident
            .alerts
            .iter()
            .map(|alert| alert.mark.offset)
            .collect()
    };
    let mut told: Vec<_> = incidents
        .iter()
        .map(|incident| {
            (
                incident.seen.key.to_string(),
                incident.state(),
                offsets(incident),
            )
        })
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

#[test]
fn an_incident_ends_with_a_decision_or_a_day_of_quiet() {
    let alerts = vec![
        alert(0, 0, "a"),
        alert(1, HOUR_MS, "a"),
        alert(2, 25 * HOUR_MS - 1, "a"),
        alert(3, 49 * HOUR_MS - 1, "a"),
        alert(4, 50 * HOUR_MS, "b"),
    ];
    let incidents = gather(alerts.clone(), &Board::default());
    let new = TriageState::New;
    assert_eq!(
        told(&incidents),
        [
            ("a.0".into(), new, vec![0, 1, 2]),
            (format!("a.{}", 49 * HOUR_MS - 1), new, vec![3]),
            (format!("b.{}", 50 * HOUR_MS), new, vec![4]),
        ]
    );
    assert_eq!(incidents[0].seen.title, "alert 4", "the newest first");
    let first = incidents.iter().find(|one| one.seen.count == 3).unwrap();
    assert_eq!(first.seen.span_ms, (-500, 25 * HOUR_MS - 501));
    assert_eq!(first.seen.level, Some(Level::Medium));
    for state in TriageState::ALL {
        let mut topic = Vec::new();
        decide(
            &gather(alerts[..2].to_vec(), &Board::default()),
            &first.seen.key,
            state,
            &mut topic,
        );
        let incidents = gather(alerts.clone(), &board(&topic));
        let of_first = named(&incidents, &first.seen.key).unwrap();
        let expected = if state.is_closed() { 2 } else { 3 };
        assert_eq!((of_first.state(), of_first.alerts.len()), (state, expected));
        assert_eq!(of_first.seen.count, u64::try_from(expected).unwrap());
        let is_open = incidents.iter().map(Incident::is_open);
        assert!(is_open.is_sorted_by(|a, b| a >= b), "open ones come first");
    }
}

#[test]
fn an_alert_that_whoever_decided_has_not_seen_is_open_whatever_its_time() {
    let before = gather([alert(7, 1_000, "a")], &Board::default());
    let mut topic = Vec::new();
    decide(
        &before,
        &before[0].seen.key,
        TriageState::Resolved,
        &mut topic,
    );
    let board = board(&topic);
    // Written by another process with a slower clock, and of an event long ago.
    let late = Alert {
        time_ms: -HOUR_MS,
        ..alert(8, 990, "a")
    };
    let same_time = alert(9, 1_000, "a");
    let created_again = alert(0, 1_000 + HOUR_MS, "a");
    for unseen in [late, same_time, created_again] {
        let incidents = gather([alert(7, 1_000, "a"), unseen.clone()], &board);
        let open: Vec<_> = incidents
            .iter()
            .filter(|incident| incident.is_open())
            .collect();
        assert_eq!(open.len(), 1, "{unseen:?}");
        assert_eq!(open[0].alerts, [unseen]);
        assert_ne!(open[0].seen.key, before[0].seen.key);
    }
}

#[test]
fn a_decision_is_about_the_alerts_that_were_seen() {
    let three: Vec<Alert> = (0..3).map(|n| alert(n, n * 1_000, "a")).collect();
    let incidents = gather(three.clone(), &Board::default());
    let seen = incidents[0].seen_through(1);
    assert_eq!(
        (seen.count, seen.through.offset, &*seen.title),
        (2, 1, "alert 1")
    );
    assert_eq!(incidents[0].seen_through(2), incidents[0].seen);
    let triage = Triage::new(
        seen,
        change(5_000, "jane", TriageState::FalsePositive),
        None,
    );
    let again = gather(three, &board(&[triage]));
    assert_eq!(
        told(&again),
        [
            ("a.0".into(), TriageState::FalsePositive, vec![0, 1]),
            ("a.2000".into(), TriageState::New, vec![2])
        ]
    );
}

#[test]
fn an_incident_that_is_opened_again_has_what_came_meanwhile() {
    let two = [alert(0, 0, "a"), alert(1, 1_000, "a")];
    let first = gather([two[0].clone()], &Board::default());
    let mut topic = Vec::new();
    decide(
        &first,
        &first[0].seen.key,
        TriageState::Resolved,
        &mut topic,
    );
    assert_eq!(gather(two.clone(), &board(&topic)).len(), 2);
    let incidents = gather(two.clone(), &board(&topic));
    decide(
        &incidents,
        &first[0].seen.key,
        TriageState::InProgress,
        &mut topic,
    );
    let incidents = gather(two, &board(&topic));
    assert_eq!(
        told(&incidents),
        [("a.0".into(), TriageState::InProgress, vec![0, 1])]
    );
    let triage = incidents[0].triage.as_ref().unwrap();
    let states: Vec<_> = triage.history().map(|change| change.state).collect();
    assert_eq!(states, [TriageState::Resolved, TriageState::InProgress]);
}

#[test]
fn what_people_wrote_and_quoted_is_left_out_where_fields_are_hidden_and_stays_in_the_record() {
    let whole = [alert(0, 0, "a"), alert(1, 1_000, "a"), alert(2, 0, "b")];
    let hidden = |alerts: &[Alert]| -> Vec<Alert> {
        let hidden = alerts.iter().map(|alert| Alert {
            title: "***".into(),
            ..alert.clone()
        });
        hidden.collect()
    };
    let incidents = gather(whole.clone(), &Board::default());
    let mut topic = Vec::new();
    for incident in &incidents {
        decide(
            &incidents,
            &incident.seen.key,
            TriageState::InProgress,
            &mut topic,
        );
    }
    // The alert of `b` is no longer read.
    let known = board(&topic);
    let of_reader: Vec<Incident> = gather(hidden(&whole[..2]), &known)
        .into_iter()
        .map(Incident::without_written_texts)
        .collect();
    for incident in &of_reader {
        let expected = match &*incident.seen.key.group {
            "a" => "***",
            _ => "A rule",
        };
        assert_eq!(incident.seen.title, expected);
        let triage = incident.triage.as_ref().unwrap();
        assert_eq!(
            (&*triage.newest.comment, &*triage.seen.title),
            ("", "A rule")
        );
        assert_eq!(
            (&*triage.newest.who, incident.assignee()),
            ("jane", "on call")
        );
    }
    // What they decide takes nothing from others.
    let of_a = of_reader.iter().find(|one| one.seen.key.group == "a");
    let key = of_a.unwrap().seen.key.clone();
    decide(&of_reader, &key, TriageState::Resolved, &mut topic);
    let again = gather(whole, &board(&topic));
    let of_a = named(&again, &key).unwrap();
    assert_eq!(of_a.seen.title, "alert 1");
    let mut history = of_a.triage.as_ref().unwrap().history();
    assert_eq!(history.next().unwrap().comment, "seen \u{202e}\"<b>");
}

#[test]
fn a_title_that_somebody_has_seen_without_hidden_fields_is_whole_again_for_others() {
    let whole = alert(0, 0, "a");
    let hidden = Alert {
        title: "***".into(),
        ..whole.clone()
    };
    let of_reader = gather([hidden], &Board::default());
    let mut topic = Vec::new();
    decide(
        &of_reader,
        &of_reader[0].seen.key,
        TriageState::Resolved,
        &mut topic,
    );
    let incidents = gather([whole], &board(&topic));
    assert_eq!((incidents.len(), &*incidents[0].seen.title), (1, "alert 0"));
}

#[test]
fn the_last_record_of_a_key_is_in_force_and_what_is_no_record_changes_nothing() {
    let incidents = gather([alert(0, 0, "a")], &Board::default());
    let key = &incidents[0].seen.key;
    let mut topic = Vec::new();
    decide(&incidents, key, TriageState::InProgress, &mut topic);
    decide(&incidents, key, TriageState::Expected, &mut topic);
    let mut known = board(&topic);
    assert_eq!((known.version(key), known.next()), (Some(1), 2));
    let value = topic[0].to_json();
    let other_key = Some(&b"b.0"[..]);
    for (key, value) in [
        (None, Some(&value[..])),
        (other_key, Some(&value)),
        (Some(b"a.0"), Some(b"{}")),
        (Some(b"a.0"), Some(&value[1..])),
        (Some(b"\xff"), None),
    ] {
        assert_eq!(known.read(7, key, value), Err(Unreadable));
    }
    // An older one that is read once more.
    known.read(0, Some(b"a.0"), Some(&value)).unwrap();
    assert_eq!(known.get(key).unwrap().newest.state, TriageState::Expected);
    assert_eq!(known.assignees(), ["on call"]);
    known.read(8, Some(b"a.0"), None).unwrap();
    assert_eq!((known.get(key), known.version(key)), (None, Some(8)));
    let incidents = gather([alert(0, 0, "a")], &known);
    assert_eq!(
        (incidents[0].state(), incidents[0].version),
        (TriageState::New, Some(8))
    );
}

#[test]
fn the_history_is_bounded_and_a_record_is_read_as_it_was_written() {
    let incidents = gather([alert(0, 0, "a")], &Board::default());
    let mut triage = None;
    for at_ms in 0..120 {
        let change = change(at_ms, "jane", TriageState::ALL[at_ms as usize % 5]);
        triage = Some(Triage::new(
            incidents[0].seen.clone(),
            change,
            triage.as_ref(),
        ));
        assert_eq!(Triage::of_json(&triage.as_ref().unwrap().to_json()), triage);
    }
    let triage = triage.unwrap();
    let times: Vec<i64> = triage.history().map(|change| change.at_ms).collect();
    assert_eq!(times, (70..120).collect::<Vec<_>>());
    assert_eq!(triage.changes, 120);
}

/// What happens: an alert of a group some time after what happened before, or a decision.
#[derive(Debug, Clone)]
enum Step {
    Alert { group: usize, after_ms: i64 },
    Decision { incident: usize, state: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after_ms = prop_oneof![Just(0), 1..1_000_i64, HOUR_MS..30 * HOUR_MS];
    let alert =
        (0..3_usize, after_ms).prop_map(|(group, after_ms)| Step::Alert { group, after_ms });
    let decision = (0..1_000_usize, 0..5_usize);
    let decision = decision.prop_map(|(incident, state)| Step::Decision { incident, state });
    prop::collection::vec(prop_oneof![2 => alert, 1 => decision], 1..60)
}

/// An incident of the model.
struct Modelled {
    group: usize,
    state: TriageState,
    last_ms: i64,
    alerts: Vec<i64>,
}

/// The state of each incident and the offsets of its alerts.
type Told = Vec<(TriageState, Vec<i64>)>;

/// The alerts, the topic of triage, and what the model says of them.
fn happened(steps: &[Step]) -> (Vec<Alert>, Vec<Triage>, Told) {
    let (mut alerts, mut topic) = (Vec::new(), Vec::new());
    let mut model: Vec<Modelled> = Vec::new();
    let mut now_ms = 0;
    for step in steps {
        match *step {
            Step::Alert { group, after_ms } => {
                now_ms += after_ms;
                let offset = i64::try_from(alerts.len()).unwrap();
                alerts.push(alert(offset, now_ms, &group.to_string()));
                let last = model
                    .iter_mut()
                    .rev()
                    .find(|incident| incident.group == group);
                match last {
                    Some(last)
                        if !last.state.is_closed() && now_ms - last.last_ms < 24 * HOUR_MS =>
                    {
                        last.alerts.push(offset);
                        last.last_ms = now_ms;
                    }
                    _ => model.push(Modelled {
                        group,
                        state: TriageState::New,
                        last_ms: now_ms,
                        alerts: vec![offset],
                    }),
                }
            }
            Step::Decision { incident, state } if !model.is_empty() => {
                let number = incident % model.len();
                let state = TriageState::ALL[state];
                let chosen = &model[number];
                let is_last = !model[number + 1..]
                    .iter()
                    .any(|later| later.group == chosen.group);
                // What came after it is its own then; that has a test of its own.
                if chosen.state.is_closed() && !state.is_closed() && !is_last {
                    continue;
                }
                let incidents = gather(alerts.clone(), &board(&topic));
                let first = chosen.alerts[0];
                let has = |one: &&Incident| one.alerts[0].mark.offset == first;
                let key = incidents
                    .iter()
                    .find(has)
                    .expect("an incident")
                    .seen
                    .key
                    .clone();
                decide(&incidents, &key, state, &mut topic);
                model[number].state = state;
            }
            Step::Decision { .. } => {}
        }
    }
    let mut model: Vec<_> = model
        .into_iter()
        .map(|one| (one.state, one.alerts))
        .collect();
    model.sort_by_key(|(_, alerts)| alerts[0]);
    (alerts, topic, model)
}

proptest! {
    #[test]
    fn any_interleaving_of_alerts_and_decisions_gives_the_incidents_of_the_model(
        steps in steps(),
        order in any::<prop::sample::Index>(),
        kept in 0..20_usize,
    ) {
        let (alerts, topic, model) = happened(&steps);
        let whole = board(&topic);
        let incidents = gather(alerts.clone(), &whole);
        let mut found: Vec<_> = told(&incidents).into_iter().map(|(_, state, alerts)| (state, alerts)).collect();
        found.sort_by_key(|(_, alerts)| alerts[0]);
        prop_assert_eq!(&found, &model);
        for incident in &incidents {
            prop_assert_eq!(incident.seen.count, incident.alerts.len() as u64);
            prop_assert_eq!(incident.seen_through(incident.seen.through.offset), incident.seen.clone());
            prop_assert_eq!(named(&incidents, &incident.seen.key), Some(incident));
        }

        // In another order, in pieces, some of it twice, and after compaction.
        let mut turned = alerts.clone();
        turned.rotate_left(order.index(alerts.len().max(1)));
        turned.reverse();
        let mut pieces = Board::default();
        let middle = order.index(topic.len() + 1);
        read(&mut pieces, &topic, 0..middle);
        read(&mut pieces, &topic, middle / 2..topic.len());
        prop_assert_eq!(&pieces, &whole);
        let mut compacted = Board::default();
        for (offset, triage) in topic.iter().enumerate() {
            if !topic[offset + 1..].iter().any(|later| later.seen.key == triage.seen.key) {
                read(&mut compacted, &topic, offset..offset + 1);
            }
        }
        prop_assert_eq!(&compacted, &whole);
        prop_assert_eq!(gather(turned, &compacted), incidents.clone());

        // Old alerts are no longer read: an incident keeps its key if it has a record or its first alert, and any time at
        // which it still has an alert finds it.
        let lost = kept as i64;
        let fewer = gather(alerts.into_iter().filter(|alert| alert.mark.offset >= lost), &whole);
        for incident in &incidents {
            let (first, last) = (incident.alerts[0].mark, incident.alerts[incident.alerts.len() - 1].mark);
            if incident.triage.is_some() || first.offset >= lost {
                let same = fewer.iter().find(|one| one.seen.key == incident.seen.key);
                prop_assert_eq!(same.map(Incident::state), Some(incident.state()));
                let is_whole = first.offset >= lost;
                prop_assert!(!is_whole || same == Some(incident));
            } else if last.offset >= lost {
                let key = IncidentKey { began_ms: last.written_ms, ..incident.seen.key.clone() };
                let found = named(&fewer, &key).expect("an incident");
                prop_assert_eq!(found.seen.key.group.as_str(), incident.seen.key.group.as_str());
                prop_assert!(found.seen.first.written_ms <= last.written_ms);
            }
        }
    }
}
