//! Whether the rows of the ledger follow each other: each begins with the hash with which another one ends. A row that was
//! taken out, put in or moved breaks the chain, and is named by the positions around it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fault::{Fault, Faults, Problem};
use super::links::{Link, Of};
use crate::archive::columns::TableKind;
use crate::ledger::{Kind, Sum};
use crate::view::At;

/// The ledger's rows of the nearest days that have rows of a partition.
pub struct Neighbors<'n> {
    /// Before the day; none if there are none.
    pub before: &'n mut dyn FnMut(&Of) -> Vec<Link>,
    /// After it.
    pub after: &'n mut dyn FnMut(&Of) -> Vec<Link>,
    /// Whether the retention removes rows of the ledger.
    pub are_removed: bool,
}

/// What was found out beside the faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Continuity {
    /// What a person should know.
    pub notices: Vec<String>,
    /// Source records that the ledger has twice: topic, partition, from the first offset to before the last one.
    pub twice: Vec<(String, i32, std::ops::Range<i64>)>,
}

/// Follows the chains of a day. `known` are the partitions of the days around it.
pub fn follow(
    links: &[Link],
    known: &[Of],
    neighbors: &mut Neighbors<'_>,
    faults: &mut Faults,
) -> Continuity {
    let mut found = Continuity::default();
    let mut places = HashSet::new();
    let mut chains: BTreeMap<&Of, Vec<&Link>> = BTreeMap::new();
    for link in links {
        if !places.insert(&link.at) {
            let detail = "the row is there twice".to_owned();
            faults.add(fault(Problem::Doubled, link, detail));
            continue;
        }
        let is_link = ![Kind::More, Kind::Retry]
            .map(Kind::name)
            .contains(&&*link.kind);
        if is_link {
            chains.entry(&link.of).or_default().push(link);
        }
    }
    for of in known.iter().filter(|of| !chains.contains_key(of)) {
        let before = (neighbors.before)(of);
        let ends = before
            .iter()
            .filter_map(|link| Some((link.after?, link.next)));
        let walk = Walk {
            of,
            ends: ends.collect(),
            later: HashSet::new(),
            head: before
                .iter()
                .max_by_key(|link| (link.at.partition, link.at.offset)),
        };
        if !(neighbors.after)(of).is_empty() {
            walk.end(neighbors, (faults, &mut found));
        }
    }
    for (of, mut chain) in chains {
        // Records of one partition have one key, so they are in one partition of the ledger's topic, in their order.
        chain.sort_by_key(|link| (link.at.partition, link.at.offset));
        let mut walk = Walk {
            of,
            ends: HashMap::new(),
            later: chain.iter().filter_map(|link| link.after).collect(),
            head: None,
        };
        for link in &chain {
            walk.step(link, neighbors, (faults, &mut found));
        }
        walk.end(neighbors, (faults, &mut found));
    }
    found
}

/// A chain that is followed.
struct Walk<'w> {
    of: &'w Of,
    /// The hashes with which rows end, with their positions.
    ends: HashMap<Sum, i64>,
    /// Those of all rows of the day.
    later: HashSet<Sum>,
    /// The row before.
    head: Option<&'w Link>,
}

impl<'w> Walk<'w> {
    fn step(
        &mut self,
        link: &'w Link,
        neighbors: &mut Neighbors<'_>,
        (faults, found): (&mut Faults, &mut Continuity),
    ) {
        let Some(after) = link.after else {
            let detail = "it has no hash of the chain".to_owned();
            faults.add(fault(Problem::Ledger, link, detail));
            return;
        };
        let is_repeated = self.ends.contains_key(&after);
        match link.before {
            _ if is_repeated => self.note_twice(link, found),
            None => self.begin(link, neighbors, (faults, found)),
            Some(before) => match self.ends.get(&before) {
                Some(next) if *next != link.from => {
                    let detail = format!(
                        "it begins at {}, and the row before ends at {next}",
                        link.from
                    );
                    faults.add(fault(Problem::Order, link, detail));
                }
                Some(_) if self.head.and_then(|head| head.after) != Some(before) => {
                    self.note_twice(link, found);
                }
                Some(_) => {}
                None => self.unlinked(link, before, neighbors, (faults, found)),
            },
        }
        self.tell(link, found);
        self.ends.insert(after, link.next);
        self.head = Some(link);
    }

    /// Source records were read once more, from an earlier position: after a crash with at-least-once delivery, or after
    /// lost positions were put back.
    fn note_twice(&self, link: &Link, found: &mut Continuity) {
        let end = self.ends.values().max().copied().unwrap_or(link.from);
        let (topic, partition) = (self.of.topic.to_string(), self.of.partition);
        found
            .twice
            .push((topic, partition, link.from..end.max(link.next)));
        found.notices.push(format!(
            "{}: the source records from {} on were read again, from an earlier position",
            self.name(),
            link.from
        ));
    }

    fn begin(
        &self,
        link: &Link,
        neighbors: &mut Neighbors<'_>,
        (faults, found): (&mut Faults, &mut Continuity),
    ) {
        let end = match self.head {
            Some(head) => Some(head.next),
            None => {
                let before = (neighbors.before)(self.of);
                before.iter().map(|link| link.next).max()
            }
        };
        match end {
            None => found.notices.push(format!(
                "{}: the ledger begins here, at position {}",
                self.name(),
                link.from
            )),
            Some(end) => {
                let detail = format!(
                    "the chain begins anew at {}, and the one before ended at {end}: what is between is not in the ledger \
                     (the position was moved without watchbell, or there was no archive in between)",
                    link.from
                );
                faults.add(fault(Problem::Begun, link, detail));
            }
        }
    }

    /// A row whose hash before it is not among those before it.
    fn unlinked(
        &self,
        link: &Link,
        before: Sum,
        neighbors: &mut Neighbors<'_>,
        (faults, found): (&mut Faults, &mut Continuity),
    ) {
        if self.later.contains(&before) {
            let detail = "it stands before the row that it follows".to_owned();
            faults.add(fault(Problem::Order, link, detail));
            return;
        }
        let end = match self.head {
            Some(head) => Some(head.next),
            None => {
                let earlier = (neighbors.before)(self.of);
                if earlier.iter().any(|earlier| earlier.after == Some(before)) {
                    return;
                }
                if earlier.is_empty() && neighbors.are_removed {
                    found.notices.push(format!(
                        "{}: what the ledger knew before position {} was removed by the retention",
                        self.name(),
                        link.from
                    ));
                    return;
                }
                earlier.iter().map(|link| link.next).max()
            }
        };
        faults.add(self.missing(end, Some(link)));
    }

    fn end(&self, neighbors: &mut Neighbors<'_>, (faults, found): (&mut Faults, &mut Continuity)) {
        let Some(head) = self.head else { return };
        let later = (neighbors.after)(self.of);
        if later.is_empty() {
            found.notices.push(format!(
                "{}: no later row closes the day; whether its last rows are there is known when the next one is",
                self.name()
            ));
            return;
        }
        let goes_on = |link: &Link| match link.before {
            Some(before) => self.ends.contains_key(&before),
            // It is told of the day on which it begins.
            None => link.kind == Kind::Start.name(),
        };
        if !later.iter().any(goes_on) {
            let first = later
                .iter()
                .min_by_key(|link| (link.at.partition, link.at.offset));
            let mut missing = self.missing(Some(head.next), first);
            missing.at = None;
            faults.add(missing);
        }
    }

    /// Rows of the ledger are missing between a position and a row.
    fn missing(&self, end: Option<i64>, before: Option<&Link>) -> Fault {
        let from = before.map_or(0, |link| link.from);
        let detail = match end {
            Some(end) if end < from => {
                format!("rows for the offsets {end} to {} are missing", from - 1)
            }
            Some(end) => format!("a row between the positions {end} and {from} is missing"),
            None => format!("the rows before position {from} are missing"),
        };
        Fault {
            problem: Problem::Missing,
            table: TableKind::Ledger,
            at: None,
            source: Some(At {
                topic: self.of.topic.to_string(),
                partition: self.of.partition,
                offset: end.unwrap_or(from).max(0),
                element: None,
            }),
            id: None,
            detail,
        }
    }

    /// What a gap or a move is told as.
    fn tell(&self, link: &Link, found: &mut Continuity) {
        let (name, from, to) = (self.name(), link.from, link.next);
        if link.kind == Kind::Gap.name() {
            found.notices.push(format!(
                "{name}: a gap: the records from {from} to before {to} had expired before they were read"
            ));
        }
        if link.kind == Kind::Move.name() {
            found.notices.push(format!(
                "{name}: somebody moved the position from {from} to {to}"
            ));
        }
    }

    fn name(&self) -> String {
        let Of {
            source,
            topic,
            partition,
        } = self.of;
        format!("{source} ({topic}/{partition})")
    }
}

fn fault(problem: Problem, link: &Link, detail: String) -> Fault {
    Fault {
        problem,
        table: TableKind::Ledger,
        at: Some(link.at.clone()),
        source: Some(At {
            topic: link.of.topic.to_string(),
            partition: link.of.partition,
            offset: link.from,
            element: None,
        }),
        id: None,
        detail,
    }
}
