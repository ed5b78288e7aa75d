//! What the ledger says was published, and what of it was found. An output is known by its source position, its topic
//! and the hash of its value, so a changed row is one that is missing and another one in its place.

use std::collections::{BTreeMap, HashMap};

use super::coverage::Topics;
use super::fault::{Fault, Faults, Problem, RowPlace};
use crate::archive::columns::TableKind;
use crate::ledger::OutputHash;
use crate::view::At;

/// Longest time between an output and its record of the ledger, which are written in one transaction, in ms.
const TOGETHER_MS: i64 = 10 * 60 * 1_000;

/// Most rows that are kept because they fit nothing.
const MOST_STRANGERS: usize = 200_000;

/// A source record's output in a topic; several can have one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) topic: u16,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) element: u32,
    pub(super) output: u16,
}

/// An output that the ledger says was published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) key: Key,
    pub(super) hash: OutputHash,
    /// When the ledger's record was committed, the last one of several.
    pub(super) time_ms: i64,
    /// How often the ledger says so.
    pub(super) copies: u32,
    pub(super) seen: u32,
    /// Partition and offset of the row that was found first.
    pub(super) place: (i32, i64),
}

/// A row that claims the position of a source record.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) table: TableKind,
    pub(super) key: Key,
    pub(super) hash: OutputHash,
    pub(super) written_ms: Option<i64>,
    /// Its partition and offset in the output topic.
    pub(super) place: (i32, i64),
    pub(super) id: Option<String>,
    /// Whether `replay` has written it.
    pub(super) is_replayed: bool,
}

/// What is no fault although it is not there, or is there more than once.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// With at-least-once delivery records can be published again, without a record of the ledger.
    pub at_least_once: bool,
    /// What the ledger wrote after this may not be archived yet, in milliseconds since the Unix epoch.
    pub settled_until_ms: i64,
    /// The tables from which the retention may have removed rows of this time.
    pub retired: Vec<TableKind>,
    /// The topics that are not archived.
    pub unarchived: Vec<String>,
    /// The topics of whose values the archive hides something.
    pub hidden: Vec<String>,
    /// The topic of dead letters.
    pub dead_letters: String,
}

/// What was found out beside the faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Outputs that are there, unaltered.
    pub confirmed: u64,
    /// Outputs that are there, and may be another value because the archive hides something of it.
    pub hidden: u64,
    /// Outputs that are not there yet.
    pub pending: u64,
    /// Outputs that the retention may have removed, by table.
    pub retired: BTreeMap<&'static str, u64>,
    /// Outputs in topics that are not archived.
    pub unarchived: BTreeMap<String, u64>,
    /// Rows that were published again, as at-least-once delivery may.
    pub published_again: u64,
    /// Rows that `replay` has written.
    pub replayed: u64,
    /// Rows that were too many to be told apart.
    pub untold: u64,
}

/// What is looked for.
#[derive(Debug, Default)]
pub struct Expectation {
    outputs: Vec<Output>,
    /// Rows of outputs that were found before: how often each place.
    more_places: HashMap<usize, Vec<(i32, i64)>>,
    strangers: Vec<Claim>,
    untold: u64,
}

impl Expectation {
    pub(super) fn expect(&mut self, key: Key, hash: OutputHash, time_ms: i64) {
        self.outputs.push(Output {
            key,
            hash,
            time_ms,
            copies: 1,
            seen: 0,
            place: (0, 0),
        });
    }

    /// What another one looks for, too.
    pub fn extend(&mut self, more: Expectation) {
        self.outputs.extend(more.outputs);
    }

    /// How many outputs there are.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Puts the outputs in order, so that rows can be looked up.
    pub fn sort(&mut self) {
        self.outputs.sort_unstable_by_key(|one| (one.key, one.hash));
        self.outputs.dedup_by(|later, before| {
            let is_same = (later.key, later.hash) == (before.key, before.hash);
            if is_same {
                before.copies += later.copies;
                before.time_ms = before.time_ms.max(later.time_ms);
            }
            is_same
        });
    }

    fn find(&self, key: Key, hash: OutputHash) -> Option<usize> {
        let found = self
            .outputs
            .binary_search_by_key(&(key, hash), |one| (one.key, one.hash));
        found.ok()
    }

    /// Whether an output of this key was found.
    fn has_seen(&self, key: Key) -> bool {
        let first = self.outputs.partition_point(|one| one.key < key);
        let mut own = self.outputs[first..]
            .iter()
            .take_while(|one| one.key == key);
        own.any(|one| one.seen > 0)
    }

    /// Takes a row that claims a source position; the outputs are in order.
    pub(super) fn take(&mut self, claim: Claim, topics: &Topics, faults: &mut Faults) {
        if let Some(index) = self.find(claim.key, claim.hash) {
            let one = &mut self.outputs[index];
            let is_together = claim
                .written_ms
                .is_none_or(|written| written.abs_diff(one.time_ms) <= TOGETHER_MS as u64);
            if one.seen > 0 {
                let more = self.more_places.get(&index);
                let mut places = more.into_iter().flatten().chain([&one.place]);
                if places.any(|place| *place == claim.place) {
                    faults.add(claim.fault(Problem::Doubled, topics, "the row is there twice"));
                    return;
                }
            }
            if is_together && one.seen < one.copies {
                match one.seen {
                    0 => one.place = claim.place,
                    _ => self.more_places.entry(index).or_default().push(claim.place),
                }
                one.seen += 1;
                return;
            }
        }
        match self.strangers.len() < MOST_STRANGERS {
            true => self.strangers.push(claim),
            false => self.untold += 1,
        }
    }

    /// Judges what was not found, and what fits nothing. `elsewhere` says whether the ledger knows a source position on
    /// the day of this time, other than the one that is verified.
    pub fn judge(
        mut self,
        topics: &Topics,
        terms: &Terms,
        mut elsewhere: impl FnMut(i64, &At) -> bool,
        faults: &mut Faults,
    ) -> Judgement {
        let mut judgement = Judgement {
            untold: self.untold,
            ..Judgement::default()
        };
        let mut rest: HashMap<Key, Vec<Claim>> = HashMap::new();
        for claim in std::mem::take(&mut self.strangers) {
            let at = claim.key.source(topics);
            if claim
                .written_ms
                .is_some_and(|written| elsewhere(written, &at))
            {
                continue;
            }
            let Some(index) = self.find(claim.key, claim.hash) else {
                rest.entry(claim.key).or_default().push(claim);
                continue;
            };
            let one = &mut self.outputs[index];
            if one.seen < one.copies {
                one.seen += 1;
            } else if claim.is_replayed {
                judgement.replayed += 1;
            } else if terms.at_least_once {
                judgement.published_again += 1;
            } else {
                let detail = "its source record was published once, and is there twice";
                faults.add(claim.fault(Problem::Doubled, topics, detail));
            }
        }
        for one in &self.outputs {
            let needed = if terms.at_least_once { 1 } else { one.copies };
            judgement.confirmed += u64::from(one.seen);
            for _ in one.seen..needed {
                one.judge_missing(
                    topics,
                    terms,
                    rest.get_mut(&one.key),
                    (faults, &mut judgement),
                );
            }
        }
        for claim in rest.into_values().flatten() {
            if claim.is_replayed {
                judgement.replayed += 1;
            } else if terms.at_least_once && self.has_seen(claim.key) {
                // It was made with other rules or names before the crash.
                judgement.published_again += 1;
            } else {
                let detail = "the ledger says nothing of it";
                faults.add(claim.fault(Problem::Unknown, topics, detail));
            }
        }
        judgement
    }
}

impl Output {
    fn judge_missing(
        &self,
        topics: &Topics,
        terms: &Terms,
        others: Option<&mut Vec<Claim>>,
        (faults, judgement): (&mut Faults, &mut Judgement),
    ) {
        if let Some(claim) = others.and_then(|others| {
            let own = others.iter().position(|claim| !claim.is_replayed)?;
            Some(others.swap_remove(own))
        }) {
            let topic = topics.name(self.key.output);
            if terms.hidden.iter().any(|hidden| hidden == topic) {
                judgement.hidden += 1;
                return;
            }
            let detail = "its value is not the one that was published";
            faults.add(claim.fault(Problem::Changed, topics, detail));
            return;
        }
        let topic = topics.name(self.key.output);
        let table = match topic == terms.dead_letters {
            true => TableKind::DeadLetters,
            false => TableKind::Events,
        };
        if terms
            .unarchived
            .iter()
            .any(|unarchived| unarchived == topic)
        {
            *judgement.unarchived.entry(topic.to_owned()).or_default() += 1;
        } else if self.time_ms > terms.settled_until_ms {
            judgement.pending += 1;
        } else if terms.retired.contains(&table) {
            *judgement.retired.entry(table.name()).or_default() += 1;
        } else {
            faults.add(Fault {
                problem: Problem::Missing,
                table,
                at: None,
                source: Some(self.key.source(topics)),
                id: None,
                detail: format!("its record was published to {topic}"),
            });
        }
    }
}

impl Key {
    /// The source position. The number of the event is left out where it is 0, as for a record with one event.
    fn source(&self, topics: &Topics) -> At {
        At {
            topic: topics.name(self.topic).to_owned(),
            partition: self.partition,
            offset: self.offset,
            element: (self.element > 0).then_some(self.element),
        }
    }
}

impl Claim {
    pub(super) fn fault(&self, problem: Problem, topics: &Topics, detail: &str) -> Fault {
        let (partition, offset) = self.place;
        Fault {
            problem,
            table: self.table,
            at: Some(RowPlace {
                topic: topics.name(self.key.output).into(),
                partition,
                offset,
            }),
            source: Some(self.key.source(topics)),
            id: self.id.clone(),
            detail: detail.to_owned(),
        }
    }
}
