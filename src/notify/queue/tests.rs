//! What a sink is told, on its own and against everything that can go wrong in between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const MINUTE_MS: i64 = 60_000;
const PACING: Pacing = Pacing {
    digest_interval_ms: 5 * MINUTE_MS,
    max_waiting: Some(3),
};

fn offered(group: &str, level: Level) -> Option<Offered<i64>> {
    Some(Offered {
        group_key: group.to_owned(),
        level,
        rule: format!("rule of {group}"),
        alert: 0,
    })
}

fn queue() -> Queue<i64> {
    Queue::resume(PACING, NextOffset(0), Offsets::default())
}

/// Offers alerts of one level to consecutive offsets at time 0.
fn offer(queue: &mut Queue<i64>, groups: &[&str]) {
    for group in groups {
        let offset = queue.next;
        queue.offer(offset, 0, offered(group, Level::High));
    }
}

fn position(queue: &mut Queue<i64>) -> i64 {
    queue.committable().0.0
}

#[test]
fn the_first_is_told_at_once_and_its_repeats_as_one_digest() {
    let mut queue = queue();
    offer(&mut queue, &["a"]);
    let first = queue.next(0).unwrap();
    assert_eq!((first.kind.clone(), first.count), (Kind::First, 1));
    assert_eq!(position(&mut queue), 0);
    queue.told(0, &first);
    offer(&mut queue, &["a"; 299]);
    assert!(queue.next(PACING.digest_interval_ms - 1).is_none());
    assert_eq!(
        position(&mut queue),
        0,
        "a restart must find the group open"
    );
    let digest = queue.next(PACING.digest_interval_ms).unwrap();
    assert_eq!((digest.kind.clone(), digest.count), (Kind::Digest, 299));
    assert_eq!(digest.group_key.as_deref(), Some("a"));
    queue.told(PACING.digest_interval_ms, &digest);
    assert!(queue.next(3 * PACING.digest_interval_ms).is_none());
    assert_eq!(position(&mut queue), 300);
    assert!(queue.groups.is_empty());
}

#[test]
fn what_is_more_severe_than_anything_told_does_not_wait() {
    let mut queue = queue();
    offer(&mut queue, &["a"]);
    let first = queue.next(0).unwrap();
    queue.told(0, &first);
    offer(&mut queue, &["a"]);
    queue.offer(2, 0, offered("a", Level::Critical));
    let second = queue.next(1).unwrap();
    assert_eq!((second.kind.clone(), second.count), (Kind::First, 2));
    assert_eq!(second.level, Level::Critical);
}

#[test]
fn repeats_of_an_alert_that_waits_go_with_it() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "a", "a"]);
    let first = queue.next(0).unwrap();
    assert_eq!((first.kind.clone(), first.count), (Kind::First, 3));
    queue.told(0, &first);
    assert_eq!(queue.next(0).unwrap().group_key.as_deref(), Some("b"));
}

#[test]
fn more_groups_than_can_be_told_become_one_digest_and_the_severe_stay_out_of_it() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b", "c", "d", "e"]);
    queue.offer(5, 0, offered("worst", Level::Critical));
    let mut told = Vec::new();
    while let Some(next) = queue.next(1) {
        queue.told(1, &next);
        told.push(next);
    }
    let groups: Vec<_> = told.iter().map(|n| n.group_key.as_deref()).collect();
    assert_eq!(groups, [Some("worst"), Some("a"), Some("b"), None]);
    let last = told.last().unwrap();
    assert_eq!(last.count, 3);
    let Kind::Overflow { rules, others } = &last.kind else {
        panic!("{last:?}")
    };
    assert_eq!((rules["rule of d"], *others), (1, 0));
}

#[test]
fn an_old_overflow_goes_first_once_and_does_not_starve_the_others() {
    let mut queue = queue();
    let interval_ms = PACING.digest_interval_ms;
    let mut told = Vec::new();
    // More than can be told, all of it written long ago, for two intervals and a half.
    for step in 0..15 {
        let groups: Vec<String> = (0..8).map(|n| format!("{step}.{n}")).collect();
        offer(
            &mut queue,
            &groups.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let now_ms = 10 * interval_ms + step * interval_ms / 6;
        let next = queue.next(now_ms).unwrap();
        queue.told(now_ms, &next);
        told.push(next.group_key.is_none());
    }
    let overflows = told.iter().filter(|overflow| **overflow).count();
    assert_eq!(overflows, 2, "{told:?}");
}

#[test]
fn one_that_always_fails_does_not_hold_the_others_up() {
    let mut queue = queue();
    offer(&mut queue, &["poison", "b"]);
    for _ in 0..ATTEMPTS_IN_FRONT {
        let next = queue.next(0).unwrap();
        assert_eq!(next.group_key.as_deref(), Some("poison"));
        queue.put_back(next);
    }
    let next = queue.next(0).unwrap();
    assert_eq!(next.group_key.as_deref(), Some("b"));
    queue.told(0, &next);
    assert_eq!(position(&mut queue), 0);
    offer(&mut queue, &["c", "d"]);
    let mut tried = Vec::new();
    while let Some(next) = queue.next(0).filter(|_| tried.len() < 6) {
        tried.extend(next.group_key.clone());
        match next.group_key.as_deref() {
            Some("poison") => queue.put_back(next),
            _ => queue.told(0, &next),
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
        queue.put_back(next);
    }
    let mut told = Vec::new();
    while let Some(next) = queue.next(0) {
        queue.told(0, &next);
        told.extend(next.group_key);
    }
    assert_eq!(
        told,
        ["c", "a", "b"],
        "the one tried next, then the old first"
    );
}

#[test]
fn a_restart_tells_again_only_what_was_not_committed() {
    let mut queue = queue();
    offer(&mut queue, &["a", "b"]);
    let first = queue.next(0).unwrap();
    queue.told(0, &first);
    offer(&mut queue, &["a"]);
    let (from, settled) = queue.committable();
    let text = settled.to_text(from.0);
    let settled = Offsets::from_text(&text, from.0);
    let mut again = Queue::resume(PACING, from, settled);
    offer(&mut again, &["a", "b", "a"]);
    let next = again.next(1).unwrap();
    assert_eq!(next.group_key.as_deref(), Some("b"));
    again.told(1, &next);
    assert!(again.next(1).is_none());
    let digest = again.next(PACING.digest_interval_ms).unwrap();
    assert_eq!((digest.kind, digest.count), (Kind::Digest, 1));
}

#[test]
fn fifty_thousand_alerts_of_as_many_groups_cost_little() {
    let mut queue = queue();
    for offset in 0..50_000 {
        assert!(queue.has_room());
        queue.offer(offset, 0, offered(&format!("group {offset}"), Level::High));
    }
    assert!(queue.groups.len() <= 3 && queue.waiting.len() <= 3);
    let mut told = 0;
    let mut calls = 0;
    while let Some(next) = queue.next(1) {
        queue.told(1, &next);
        told += next.count;
        calls += 1;
    }
    assert_eq!((told, calls), (50_000, 4));
}

/// What happens to a queue.
#[derive(Debug, Clone)]
enum Step {
    Skip,
    Alert { group: u8, level: Level },
    Advance { ms: i64 },
    Tell,
    Fail,
    GiveUp,
    Commit,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop_oneof![
        Just(Level::Medium),
        Just(Level::High),
        Just(Level::Critical)
    ];
    prop_oneof![
        1 => Just(Step::Skip),
        6 => (0_u8..6, level).prop_map(|(group, level)| Step::Alert { group, level }),
        2 => (0_i64..4 * MINUTE_MS).prop_map(|ms| Step::Advance { ms }),
        5 => Just(Step::Tell),
        2 => Just(Step::Fail),
        1 => Just(Step::GiveUp),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ]
}

/// A topic, a sink and the commits, around a queue.
struct World {
    queue: Queue<i64>,
    now_ms: i64,
    /// Every record: when it was written, and what it offers.
    topic: Vec<(i64, Option<Offered<i64>>)>,
    /// How often the sink was told of each offset, or gave it up.
    told: BTreeMap<i64, u32>,
    /// Told, and no commit says so.
    uncommitted: BTreeSet<i64>,
    committed: (i64, String),
    /// Told twice though committed.
    repeated: Vec<i64>,
}

impl World {
    fn read(&mut self) {
        while (self.queue.next as usize) < self.topic.len() {
            let offset = self.queue.next;
            let (at_ms, offered) = self.topic[offset as usize].clone();
            self.queue.offer(offset, at_ms, offered);
        }
    }

    fn note(&mut self, offsets: &Offsets) {
        for offset in 0..self.topic.len() as i64 {
            if offsets.contains(offset) {
                let times = self.told.entry(offset).or_default();
                *times += 1;
                if *times > 1 && !self.uncommitted.contains(&offset) {
                    self.repeated.push(offset);
                }
                self.uncommitted.insert(offset);
            }
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Skip => self.topic.push((self.now_ms, None)),
            Step::Alert { group, level } => {
                let offered = offered(&group.to_string(), *level);
                self.topic.push((self.now_ms, offered));
            }
            Step::Advance { ms } => self.now_ms += ms,
            Step::Tell => {
                if let Some(next) = self.queue.next(self.now_ms) {
                    self.note(&next.offsets);
                    self.queue.told(self.now_ms, &next);
                }
            }
            Step::Fail => {
                if let Some(next) = self.queue.next(self.now_ms) {
                    self.queue.put_back(next);
                }
            }
            Step::GiveUp => {
                if let Some(next) = self.queue.next(self.now_ms) {
                    self.note(&next.offsets);
                    self.queue.settle(&next);
                }
            }
            Step::Commit => {
                let (position, settled) = self.queue.committable();
                self.committed = (position.0, settled.to_text(position.0));
                let said = |offset: &i64| *offset < position.0 || settled.contains(*offset);
                self.uncommitted.retain(|offset| !said(offset));
            }
            Step::Crash => {
                // In the middle of a request, if there was one to make.
                if let Some(next) = self.queue.next(self.now_ms) {
                    self.note(&next.offsets);
                }
                let (position, text) = &self.committed;
                let settled = Offsets::from_text(text, *position);
                self.queue = Queue::resume(PACING, NextOffset(*position), settled);
            }
        }
        self.read();
    }
}

proptest! {
    #[test]
    fn every_alert_is_told_and_none_twice_that_was_committed(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World {
            queue: queue(),
            now_ms: 0,
            topic: Vec::new(),
            told: BTreeMap::new(),
            uncommitted: BTreeSet::new(),
            committed: (0, String::new()),
            repeated: Vec::new(),
        };
        for step in &steps {
            world.apply(step);
            for offset in 0..world.committed.0 {
                let wanted = world.topic[offset as usize].1.is_some();
                prop_assert!(!wanted || world.told.contains_key(&offset), "{} is lost", offset);
            }
        }
        for _ in 0..40 {
            world.apply(&Step::Tell);
            world.apply(&Step::Advance { ms: MINUTE_MS });
        }
        world.apply(&Step::Commit);
        for (offset, (_, offered)) in world.topic.iter().enumerate() {
            let told = world.told.contains_key(&(offset as i64));
            prop_assert_eq!(told, offered.is_some(), "offset {}", offset);
        }
        prop_assert!(world.repeated.is_empty(), "told again: {:?}", world.repeated);
        prop_assert_eq!(world.queue.untold(), 0);
        prop_assert!(world.committed.0 >= world.topic.len() as i64 - 120);
    }
}
