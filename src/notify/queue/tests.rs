//! Which notifications a sink gets, and that none is lost or repeated, whatever fails in between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::failure::ATTEMPTS_IN_FRONT;
use super::*;

const MINUTE_MS: i64 = 60_000;
const PACING: Pacing = Pacing {
    digest_interval_ms: 5 * MINUTE_MS,
    max_waiting: Some(3),
    max_age_ms: 60 * MINUTE_MS,
};

fn offered(group: &str, level: Level) -> Option<Offered<i64>> {
    Some(Offered {
        group_key: group.to_owned(),
        level,
        rule: format!("rule of {group}"),
        arrival: Arrival::InTime,
        alert: 0,
    })
}

fn late(level: Level, alert: i64) -> Option<Offered<i64>> {
    let offered = offered("any", level)?;
    Some(Offered {
        arrival: Arrival::Late,
        alert,
        ..offered
    })
}

fn queue() -> Queue<i64> {
    Queue::resume(PACING, NextOffset(0), CommitMetadata::default())
}

/// Offers alerts of one level to consecutive offsets at time 0.
fn offer(queue: &mut Queue<i64>, groups: &[&str]) {
    for group in groups {
        let offset = queue.next;
        queue.offer(offset, 0, offered(group, Level::High));
    }
}

fn fail(queue: &mut Queue<i64>, failed: Notification<i64>) {
    assert_eq!(queue.failed(0, failed), None);
}

fn position(queue: &mut Queue<i64>) -> i64 {
    queue.committable().0.0
}

#[test]
fn the_first_alert_is_sent_at_once_and_its_repeats_as_one_digest() {
    let mut queue = queue();
    offer(&mut queue, &["a"]);
    let first = queue.next(0).unwrap();
    assert_eq!(
        (first.kind.clone(), first.count),
        (NotificationKind::First, 1)
    );
    assert_eq!(position(&mut queue), 0);
    queue.accepted(0, &first);
    offer(&mut queue, &["a"; 299]);
    assert!(queue.next(PACING.digest_interval_ms - 1).is_none());
    assert_eq!(
        position(&mut queue),
        0,
        "after a restart the group must be open"
    );
    let digest = queue.next(PACING.digest_interval_ms).unwrap();
    assert_eq!(
        (digest.kind.clone(), digest.count),
        (NotificationKind::Digest, 299)
    );
    assert_eq!(digest.group_key.as_deref(), Some("a"));
    queue.accepted(PACING.digest_interval_ms, &digest);
    assert!(queue.next(3 * PACING.digest_interval_ms).is_none());
    assert_eq!(position(&mut queue), 300);
    assert!(queue.groups.is_empty());
}

#[test]
fn an_alert_of_a_higher_level_than_those_sent_does_not_wait() {
    let mut queue = queue();
    offer(&mut queue, &["a"]);
    let first = queue.next(0).unwrap();
    queue.accepted(0, &first);
    offer(&mut queue, &["a"]);
    queue.offer(2, 0, offered("a", Level::Critical));
    let second = queue.next(1).unwrap();
    assert_eq!(
        (second.kind.clone(), second.count),
        (NotificationKind::First, 2)
    );
    assert_eq!(second.level, Level::Critical);
}

#[test]
fn repeats_of_a_waiting_alert_are_sent_with_it() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "a", "a"]);
    let first = queue.next(0).unwrap();
    assert_eq!(
        (first.kind.clone(), first.count),
        (NotificationKind::First, 3)
    );
    queue.accepted(0, &first);
    assert_eq!(queue.next(0).unwrap().group_key.as_deref(), Some("b"));
}

#[test]
fn more_groups_than_may_wait_become_one_digest_without_the_severe_ones() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "c", "d", "e"]);
    queue.offer(5, 0, offered("worst", Level::Critical));
    let mut sent = Vec::new();
    while let Some(next) = queue.next(1) {
        queue.accepted(1, &next);
        sent.push(next);
    }
    let groups: Vec<_> = sent.iter().map(|n| n.group_key.as_deref()).collect();
    assert_eq!(groups, [Some("worst"), Some("a"), Some("b"), None]);
    let last = sent.last().unwrap();
    assert_eq!(last.count, 3);
    let NotificationKind::Overflow { rules, others } = &last.kind else {
        panic!("{last:?}")
    };
    assert_eq!((rules["rule of d"], *others), (1, 0));
}

#[test]
fn an_old_overflow_goes_first_once_and_does_not_starve_the_others() {
    let mut queue = queue();
    let interval_ms = PACING.digest_interval_ms;
    let mut sent = Vec::new();
    // More groups than may wait, all written long ago, for two and a half intervals.
    for step in 0..15 {
        let now_ms = 10 * interval_ms + step * interval_ms / 6;
        let times = ArrivalTimes {
            now: now_ms,
            arrived: 0,
            written_ms: 0,
        };
        for n in 0..8 {
            let offset = queue.next;
            queue.offer(offset, times, offered(&format!("{step}.{n}"), Level::High));
        }
        let next = queue.next(now_ms).unwrap();
        queue.accepted(now_ms, &next);
        sent.push(next.group_key.is_none());
    }
    let overflows = sent.iter().filter(|overflow| **overflow).count();
    assert_eq!(overflows, 2, "{sent:?}");
}

#[test]
fn a_notification_that_always_fails_does_not_delay_the_others() {
    let mut queue = queue();
    offer(&mut queue, &["poison", "b"]);
    for _ in 0..ATTEMPTS_IN_FRONT {
        let next = queue.next(0).unwrap();
        assert_eq!(next.group_key.as_deref(), Some("poison"));
        fail(&mut queue, next);
    }
    let next = queue.next(0).unwrap();
    assert_eq!(next.group_key.as_deref(), Some("b"));
    queue.accepted(0, &next);
    assert_eq!(position(&mut queue), 0);
    offer(&mut queue, &["c", "d"]);
    let mut tried = Vec::new();
    while let Some(next) = queue.next(0).filter(|_| tried.len() < 6) {
        tried.extend(next.group_key.clone());
        match next.group_key.as_deref() {
            Some("poison") => fail(&mut queue, next),
            _ => queue.accepted(0, &next),
        }
    }
    let expected = ["poison", "c", "d", "poison", "poison", "poison"];
    assert_eq!(tried, expected, "one more chance, then after the others");
}

#[test]
fn after_an_outage_the_oldest_goes_first_again() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "c"]);
    for _ in 0..7 {
        let next = queue.next(0).unwrap();
        fail(&mut queue, next);
    }
    let mut sent = Vec::new();
    while let Some(next) = queue.next(0) {
        queue.accepted(0, &next);
        sent.extend(next.group_key);
    }
    assert_eq!(
        sent,
        ["c", "a", "b"],
        "the one tried next, then the old first"
    );
}

#[test]
fn after_a_restart_only_what_was_not_committed_is_sent_again() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b"]);
    let first = queue.next(0).unwrap();
    queue.accepted(0, &first);
    offer(&mut queue, &["a"]);
    let (from, metadata) = queue.committable();
    let text = metadata.to_text(from.0);
    let mut again = Queue::resume(PACING, from, CommitMetadata::from_text(&text, from.0));
    offer(&mut again, &["a", "b", "a"]);
    let next = again.next(1).unwrap();
    assert_eq!(next.group_key.as_deref(), Some("b"));
    again.accepted(1, &next);
    assert!(again.next(1).is_none());
    let digest = again.next(PACING.digest_interval_ms).unwrap();
    assert_eq!((digest.kind, digest.count), (NotificationKind::Digest, 1));
}

#[test]
fn fifty_thousand_alerts_of_as_many_groups_cost_little() {
    let mut queue = queue();
    for offset in 0..50_000 {
        assert!(queue.has_room());
        queue.offer(offset, 0, offered(&format!("group {offset}"), Level::High));
    }
    assert!(queue.groups.len() <= 4 && queue.waiting.len() <= 4);
    let mut sent = 0;
    let mut calls = 0;
    while let Some(next) = queue.next(1) {
        queue.accepted(1, &next);
        sent += next.count;
        calls += 1;
    }
    assert_eq!((sent, calls), (50_000, 4));
}

#[test]
fn only_alerts_that_are_themselves_too_old_are_given_up() {
    let mut queue = queue();
    let max_age = PACING.max_age_ms;
    queue.offer(0, 0, offered("a", Level::Critical));
    queue.offer(1, max_age - MINUTE_MS, offered("a", Level::High));
    let next = queue.next(max_age).unwrap();
    assert_eq!((next.count, next.level), (2, Level::Critical));
    assert_eq!(queue.failed(max_age, next), None, "not older than that");
    let next = queue.next(max_age + 1).unwrap();
    let given_up = queue
        .failed(max_age + 1, next)
        .expect("the first is too old");
    assert_eq!((given_up.reason, given_up.count), ("expired", 1));
    assert_eq!(given_up.offsets, [0].into_iter().collect());
    assert_eq!(position(&mut queue), 0, "no dead letter yet");
    let rest = queue.next(max_age + 1).unwrap();
    assert_eq!(
        (rest.count, rest.level, rest.first_ms),
        (1, Level::High, max_age - MINUTE_MS)
    );
    queue.accepted(max_age + 1, &rest);
    queue.dead_letters_written(&given_up.offsets, true);
    assert_eq!(position(&mut queue), 1, "the group is open");
}

#[test]
fn the_fresh_alerts_of_a_digest_over_many_groups_are_kept_too() {
    let mut queue = queue();
    let max_age = PACING.max_age_ms;
    for offset in 0..20 {
        let arrived = offset * max_age / 10;
        queue.offer(offset, arrived, offered(&offset.to_string(), Level::High));
    }
    let now = 19 * max_age / 10;
    let mut given_up = BTreeSet::new();
    let mut sent = BTreeSet::new();
    for _ in 0..3 {
        let next = queue.next(now).unwrap();
        let lost = queue.failed(now, next);
        given_up.extend(lost.iter().flat_map(|lost| members(&lost.offsets, 20)));
    }
    while let Some(next) = queue.next(now) {
        queue.accepted(now, &next);
        sent.extend(members(&next.offsets, 20));
    }
    let fresh: BTreeSet<i64> = (9..20).collect();
    assert!(sent.is_superset(&fresh), "{sent:?}, given up {given_up:?}");
    assert!(
        given_up.is_disjoint(&sent),
        "{sent:?}, given up {given_up:?}"
    );
    assert_eq!(given_up.union(&sent).count(), 20);
}

fn members(offsets: &Offsets, end: i64) -> Vec<i64> {
    (0..end)
        .filter(|offset| offsets.contains(*offset))
        .collect()
}

#[test]
fn a_notification_that_is_refused_while_others_are_accepted_is_given_up_and_no_other() {
    let mut queue = queue();
    offer(&mut queue, &["poison", "b"]);
    let (mut now, mut given_up, mut sent) = (0, None, Vec::new());
    while given_up.is_none() {
        assert!(now < MINUTE_MS, "{sent:?}");
        match queue.next(now) {
            Some(next) if next.group_key.as_deref() == Some("poison") => {
                given_up = queue.refused(now, next);
            }
            Some(next) => {
                queue.accepted(now, &next);
                sent.extend(next.group_key);
            }
            None => now += 100,
        }
        assert!(!queue.refuses_all());
    }
    assert_eq!(sent, ["b"], "it delayed no other");
    assert_eq!(given_up.expect("refused").reason, "refused");
    assert_eq!(queue.unsent(), 0);
}

#[test]
fn a_sink_that_refuses_all_for_some_time_loses_nothing() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "c"]);
    let mut now = 0;
    let until = 40 * MINUTE_MS;
    let mut refused_all = false;
    while now < until {
        if let Some(next) = queue.next(now) {
            assert_eq!(queue.refused(now, next), None, "at {now}");
            refused_all |= queue.refuses_all();
        }
        now += 500;
    }
    assert!(refused_all, "it is reported");
    // The next alert shows that the sink works again.
    let offset = queue.next;
    queue.offer(offset, now, offered("d", Level::High));
    let mut sent = Vec::new();
    while let Some(next) = queue.next(now) {
        queue.accepted(now, &next);
        sent.extend(next.group_key);
    }
    sent.sort();
    assert_eq!(sent, ["a", "b", "c", "d"], "all at once");
    assert!(!queue.refuses_all());
}

#[test]
fn a_single_alert_waits_until_it_is_too_old() {
    let mut queue = queue();
    offer(&mut queue, &["a"]);
    let (mut now, mut tries) = (0, 0);
    let given_up = loop {
        if let Some(next) = queue.next(now) {
            tries += 1;
            if let Some(given_up) = queue.refused(now, next) {
                break given_up;
            }
            assert!(queue.oldest().is_some(), "the metrics show that it waits");
        }
        now += 500;
    };
    assert_eq!(given_up.reason, "expired");
    assert!(now > PACING.max_age_ms && now < PACING.max_age_ms + 2 * MINUTE_MS);
    assert!((50..100).contains(&tries), "{tries} tries in an hour");
    assert_eq!(queue.unsent(), 0);
}

#[test]
fn two_that_are_always_refused_delay_no_others_and_are_given_up_when_others_are_accepted() {
    let mut queue = queue();
    offer(&mut queue, &["x", "y"]);
    let (mut given_up, mut sent) = (0, 0);
    for second in 0..1_800 {
        let now = second * 1_000;
        if second % 60 == 30 {
            let offset = queue.next;
            queue.offer(offset, now, offered(&second.to_string(), Level::High));
        }
        while let Some(next) = queue.next(now) {
            match next.group_key.as_deref() {
                Some("x" | "y") => given_up += u64::from(queue.refused(now, next).is_some()),
                _ => {
                    sent += 1;
                    queue.accepted(now, &next);
                }
            }
        }
    }
    assert_eq!((given_up, sent), (2, 30));
}

#[test]
fn late_alerts_are_one_digest_that_names_the_critical_ones() {
    let mut queue = queue();
    queue.offer(0, 0, offered("in time", Level::Medium));
    for offset in 1..=500 {
        let level = if offset % 100 == 0 {
            Level::Critical
        } else {
            Level::Medium
        };
        queue.offer(offset, offset * 10, late(level, offset));
    }
    let first = queue.next(5_000).unwrap();
    assert_eq!(
        first.group_key.as_deref(),
        Some("in time"),
        "it does not wait for the late ones"
    );
    queue.accepted(5_000, &first);
    assert!(
        queue.next(5_000 + QUIET_MS - 1).is_none(),
        "more may follow"
    );
    let digest = queue.next(5_000 + QUIET_MS).unwrap();
    assert!(
        matches!(digest.kind, NotificationKind::Late { .. }),
        "{digest:?}"
    );
    assert_eq!((digest.count, digest.level), (500, Level::Critical));
    assert_eq!(digest.critical, [100, 200, 300, 400, 500]);
    assert_eq!(digest.critical_count, 5);
    queue.accepted(15_000, &digest);
    assert!(queue.next(PACING.digest_interval_ms * 2).is_none());
    assert_eq!(position(&mut queue), 501);
}

#[test]
fn a_stream_of_late_alerts_is_a_digest_each_interval_and_a_higher_level_is_sent_sooner() {
    let mut queue = queue();
    let mut sent = Vec::new();
    for offset in 0..1_200 {
        let now = offset * 1_000;
        let level = if offset == 400 {
            Level::Critical
        } else {
            Level::High
        };
        queue.offer(offset, now, late(level, offset));
        if let Some(next) = queue.next(now) {
            queue.accepted(now, &next);
            sent.push(now / 1_000);
        }
    }
    assert!(sent.len() <= 6, "{sent:?}");
    assert!(
        sent.windows(2).all(|pair| pair[1] - pair[0] <= 600),
        "{sent:?}"
    );
}

#[test]
fn an_unreadable_alert_is_sent_at_once_and_holds_the_position_until_its_dead_letter_is_written() {
    let mut queue = queue();
    assert!(queue.require_dead_letter(0));
    offer(&mut queue, &["unreadable", "b"]);
    let mut sent = 0;
    while let Some(next) = queue.next(0) {
        queue.accepted(0, &next);
        sent += 1;
    }
    assert_eq!(sent, 2, "dead letters delay no notification");
    assert!(queue.next(10 * PACING.digest_interval_ms).is_none());
    let (position, metadata) = queue.committable();
    assert_eq!(position, NextOffset(0));
    // After a restart the dead letter is still due, and nothing is sent again.
    let metadata = CommitMetadata::from_text(&metadata.to_text(0), 0);
    let mut again = Queue::resume(PACING, position, metadata);
    assert!(
        again.require_dead_letter(0),
        "the dead letter is still to be written"
    );
    assert!(!again.require_dead_letter(1));
    again.dead_letters_due.remove(&[1].into_iter().collect());
    offer(&mut again, &["unreadable", "b"]);
    assert!(again.next(0).is_none());
    again.dead_letters_written(&[0].into_iter().collect(), false);
    assert!(again.next(10 * PACING.digest_interval_ms).is_none());
    assert_eq!(again.committable().0, NextOffset(2));
}

#[test]
fn pending_alerts_are_sent_after_the_topic_was_recreated_and_its_offsets_are_not_mixed_up() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "c", "d", "e", "a"]);
    let first = queue.next(0).unwrap();
    queue.accepted(0, &first);
    let in_flight = queue.next(0).unwrap();
    queue.topic_changed(NextOffset(0), false, 1);
    assert_eq!(position(&mut queue), 0);
    offer(&mut queue, &["f", "g"]);
    queue.accepted(1, &in_flight);
    let mut sent: Vec<u64> = vec![first.count, in_flight.count];
    while let Some(next) = queue.next(10 * PACING.digest_interval_ms) {
        queue.accepted(10 * PACING.digest_interval_ms, &next);
        sent.push(next.count);
    }
    assert_eq!(sent.iter().sum::<u64>(), 8, "{sent:?}");
    assert!(queue.next(20 * PACING.digest_interval_ms).is_none());
    assert_eq!(position(&mut queue), 2);
}

/// Something that happens to a queue.
#[derive(Debug, Clone)]
enum Step {
    Skip,
    Alert { group: u8, level: Level },
    Late { level: Level, history: bool },
    Unreadable,
    Advance { ms: i64 },
    Accept,
    Fail,
    Refuse,
    Store,
    Commit,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let level = || {
        prop_oneof![
            Just(Level::Medium),
            Just(Level::High),
            Just(Level::Critical)
        ]
    };
    let alert = (0_u8..6, level()).prop_map(|(group, level)| Step::Alert { group, level });
    let late = (level(), any::<bool>()).prop_map(|(level, history)| Step::Late { level, history });
    let advance = prop_oneof![
        4 => 0..4 * MINUTE_MS,
        1 => 0..PACING.max_age_ms,
    ];
    prop_oneof![
        1 => Just(Step::Skip),
        6 => alert,
        2 => late,
        1 => Just(Step::Unreadable),
        3 => advance.prop_map(|ms| Step::Advance { ms }),
        5 => Just(Step::Accept),
        2 => Just(Step::Fail),
        2 => Just(Step::Refuse),
        1 => Just(Step::Store),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ]
}

/// A record of the topic.
#[derive(Clone)]
struct Written {
    at: i64,
    offered: Option<Offered<i64>>,
    unreadable: bool,
}

/// A topic, a sink, the dead letters and the commits, around a queue.
struct Simulation {
    queue: Queue<i64>,
    now: i64,
    topic: Vec<Written>,
    /// How often the sink got the alert of each offset.
    sent: BTreeMap<i64, u32>,
    /// Sent, and no commit says so yet.
    uncommitted: BTreeSet<i64>,
    /// Dead letters to be written, with whether that settles the alerts; lost in a crash.
    dead_letters: Vec<(Offsets, bool)>,
    /// Offsets whose dead letters are written.
    stored: BTreeSet<i64>,
    committed: (i64, String),
    /// Sent twice although a commit said that they were sent.
    repeated: Vec<i64>,
    /// Given up as expired before they were too old.
    given_up_early: Vec<i64>,
}

impl Simulation {
    fn new() -> Simulation {
        Simulation {
            queue: queue(),
            now: 0,
            topic: Vec::new(),
            sent: BTreeMap::new(),
            uncommitted: BTreeSet::new(),
            dead_letters: Vec::new(),
            stored: BTreeSet::new(),
            committed: (0, CommitMetadata::default().to_text(0)),
            repeated: Vec::new(),
            given_up_early: Vec::new(),
        }
    }

    fn write(&mut self, offered: Option<Offered<i64>>, unreadable: bool) {
        self.topic.push(Written {
            at: self.now,
            offered,
            unreadable,
        });
    }

    fn read(&mut self) {
        while (self.queue.next as usize) < self.topic.len() {
            let offset = self.queue.next;
            let written = self.topic[offset as usize].clone();
            if written.unreadable && self.queue.require_dead_letter(offset) {
                self.dead_letters
                    .push(([offset].into_iter().collect(), false));
            }
            let times = ArrivalTimes {
                now: self.now,
                arrived: written.at,
                written_ms: written.at,
            };
            self.queue.offer(offset, times, written.offered);
        }
    }

    fn record_sent(&mut self, offsets: &Offsets) {
        for offset in members(offsets, self.topic.len() as i64) {
            let times = self.sent.entry(offset).or_default();
            *times += 1;
            if *times > 1 && !self.uncommitted.contains(&offset) {
                self.repeated.push(offset);
            }
            self.uncommitted.insert(offset);
        }
    }

    fn give_up(&mut self, given_up: Option<GivenUp>) {
        let Some(given_up) = given_up else {
            return;
        };
        for offset in members(&given_up.offsets, self.topic.len() as i64) {
            let age = self.now - self.topic[offset as usize].at;
            if given_up.reason == "expired" && age <= PACING.max_age_ms {
                self.given_up_early.push(offset);
            }
        }
        self.dead_letters.push((given_up.offsets, true));
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Skip => self.write(None, false),
            Step::Alert { group, level } => self.write(offered(&group.to_string(), *level), false),
            Step::Late { level, history } => {
                let mut late = late(*level, 0);
                if *history && let Some(late) = &mut late {
                    late.arrival = Arrival::History;
                }
                self.write(late, false);
            }
            Step::Unreadable => self.write(offered("unreadable", Level::Critical), true),
            Step::Advance { ms } => self.now += ms,
            Step::Accept => {
                if let Some(next) = self.queue.next(self.now) {
                    self.record_sent(&next.offsets);
                    self.queue.accepted(self.now, &next);
                }
            }
            Step::Fail => {
                if let Some(next) = self.queue.next(self.now) {
                    let given_up = self.queue.failed(self.now, next);
                    self.give_up(given_up);
                }
            }
            Step::Refuse => {
                if let Some(next) = self.queue.next(self.now) {
                    let given_up = self.queue.refused(self.now, next);
                    self.give_up(given_up);
                }
            }
            Step::Store => {
                for (offsets, settles) in std::mem::take(&mut self.dead_letters) {
                    self.stored
                        .extend(members(&offsets, self.topic.len() as i64));
                    self.queue.dead_letters_written(&offsets, settles);
                }
            }
            Step::Commit => {
                let (position, metadata) = self.queue.committable();
                self.committed = (position.0, metadata.to_text(position.0));
                let is_committed =
                    |offset: &i64| *offset < position.0 || metadata.settled.contains(*offset);
                self.uncommitted.retain(|offset| !is_committed(offset));
            }
            Step::Crash => {
                // In the middle of a request, if there is something to send.
                if let Some(next) = self.queue.next(self.now) {
                    self.record_sent(&next.offsets);
                }
                let (position, text) = &self.committed;
                let metadata = CommitMetadata::from_text(text, *position);
                self.dead_letters.clear();
                self.queue = Queue::resume(PACING, NextOffset(*position), metadata);
            }
        }
        self.read();
    }

    /// Whether the alert was sent or is a dead letter, and is a dead letter if it is unreadable.
    fn is_done(&self, offset: i64) -> bool {
        let written = &self.topic[offset as usize];
        let stored = self.stored.contains(&offset);
        let sent = self.sent.contains_key(&offset) || stored;
        written.offered.is_none() || (sent && (stored || !written.unreadable))
    }
}

proptest! {
    #[test]
    fn every_alert_is_sent_or_a_dead_letter_and_none_is_sent_again_after_its_commit(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut simulation = Simulation::new();
        for step in &steps {
            simulation.apply(step);
            for offset in 0..simulation.committed.0 {
                prop_assert!(simulation.is_done(offset), "{} is lost", offset);
            }
        }
        for _ in 0..60 {
            simulation.apply(&Step::Accept);
            simulation.apply(&Step::Store);
            simulation.apply(&Step::Advance { ms: MINUTE_MS });
        }
        simulation.apply(&Step::Commit);
        for offset in 0..simulation.topic.len() as i64 {
            prop_assert!(simulation.is_done(offset), "{} is lost", offset);
        }
        prop_assert!(simulation.repeated.is_empty(), "sent again: {:?}", simulation.repeated);
        prop_assert!(simulation.given_up_early.is_empty(), "{:?}", simulation.given_up_early);
        prop_assert_eq!(simulation.queue.unsent(), 0);
        prop_assert_eq!(simulation.committed.0, simulation.topic.len() as i64);
    }
}
