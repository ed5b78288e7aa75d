//! A batch between the worker and the commit: what it came from and what it covers; pure.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::error::Refused;
use super::mark::Marks;
use super::worker::{Outputs, Quarantine};
use crate::event::{Offset, Partition};

/// A record of the source, by partition and offset.
pub(super) type Place = (Partition, Offset);

/// A batch the worker has processed.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) cargo: Cargo,
    pub(super) outputs: Outputs,
}

/// What a batch consists of.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    /// Where each source record stood, in the batch's order.
    pub(super) places: Vec<Place>,
    /// The positions to commit: after the last record of each partition.
    pub(super) marks: Marks,
    /// Bytes of the source records' keys and values.
    pub(super) bytes: usize,
}

/// Batches whose outputs are on their way, to be committed together.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) cargo: Cargo,
    pub(super) batches: usize,
    pub(super) outputs: usize,
    pub(super) started: Instant,
}

impl Flight {
    /// An empty one, started now.
    pub(super) fn new() -> Flight {
        Flight {
            cargo: Cargo::default(),
            batches: 0,
            outputs: 0,
            started: Instant::now(),
        }
    }

    /// One more batch.
    pub(super) fn load(&mut self, cargo: Cargo, outputs: usize) {
        self.cargo.places.extend(cargo.places);
        self.cargo.marks.extend(cargo.marks);
        self.cargo.bytes += cargo.bytes;
        self.batches += 1;
        self.outputs += outputs;
    }
}

/// Records whose outputs the cluster refused, or is suspected to refuse.
///
/// A broker refuses whole requests, in which outputs of several records can stand: then each is
/// tried alone, and only the one that fails alone is to blame.
#[derive(Debug, Default)]
pub(super) struct Blame {
    suspects: HashSet<Place>,
    quarantined: HashMap<Place, Quarantine>,
}

impl Blame {
    /// Whether a record must stand alone in its batch.
    pub(super) fn isolates(&self, place: Place) -> bool {
        !self.suspects.is_empty() && self.suspects.contains(&place)
    }

    /// Whether some records are still to be tried alone.
    pub(super) fn has_suspects(&self) -> bool {
        !self.suspects.is_empty()
    }

    pub(super) fn quarantine(&self, place: Place) -> Option<&Quarantine> {
        if self.quarantined.is_empty() {
            return None;
        }
        self.quarantined.get(&place)
    }

    /// Note refused outputs of a batch; returns the records that are quarantined by it.
    pub(super) fn note(&mut self, refused: &[Refused], cargo: &Cargo) -> Vec<(Place, Quarantine)> {
        let places = || {
            refused
                .iter()
                .filter_map(|refused| Some((*cargo.places.get(refused.source_index)?, refused)))
        };
        if refused.len() > 1 {
            self.suspects.extend(places().map(|(place, _)| place));
            return Vec::new();
        }
        let mut noted = Vec::new();
        for (place, refused) in places() {
            let attempt = self.quarantined.get(&place).map_or(0, |q| q.attempt) + 1;
            let quarantine = Quarantine {
                reason: refused.reason,
                detail: refused.detail.clone(),
                attempt,
            };
            self.quarantined.insert(place, quarantine.clone());
            noted.push((place, quarantine));
        }
        noted
    }

    /// These records are committed: nothing is held against them.
    pub(super) fn clear(&mut self, cargo: &Cargo) {
        if self.suspects.is_empty() && self.quarantined.is_empty() {
            return;
        }
        for place in &cargo.places {
            self.suspects.remove(place);
            self.quarantined.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32, offset: i64) -> Place {
        (Partition(partition), Offset(offset))
    }

    fn refused(source_index: usize) -> Refused {
        Refused {
            source_index,
            reason: "output_too_large",
            detail: "topic".into(),
        }
    }

    fn cargo() -> Cargo {
        Cargo {
            places: vec![place(0, 7), place(1, 3), place(0, 8)],
            ..Cargo::default()
        }
    }

    #[test]
    fn one_refused_record_is_to_blame() {
        let mut blame = Blame::default();
        let noted = blame.note(&[refused(1)], &cargo());
        assert_eq!(noted.len(), 1);
        assert_eq!(noted[0].0, place(1, 3));
        let quarantine = blame.quarantine(place(1, 3)).expect("quarantined");
        assert_eq!(
            (quarantine.reason, quarantine.attempt),
            ("output_too_large", 1)
        );
        assert!(blame.quarantine(place(0, 7)).is_none());
    }

    #[test]
    fn several_refused_records_are_suspects_until_one_fails_alone() {
        let mut blame = Blame::default();
        assert!(blame.note(&[refused(0), refused(2)], &cargo()).is_empty());
        assert!(blame.isolates(place(0, 7)) && blame.isolates(place(0, 8)));
        assert!(!blame.isolates(place(1, 3)));
        let alone = Cargo {
            places: vec![place(0, 7)],
            ..Cargo::default()
        };
        blame.clear(&alone);
        assert!(!blame.isolates(place(0, 7)), "innocent once committed");
    }

    #[test]
    fn a_refused_dead_letter_is_a_further_attempt() {
        let mut blame = Blame::default();
        blame.note(&[refused(1)], &cargo());
        let noted = blame.note(&[refused(1)], &cargo());
        assert_eq!(noted[0].1.attempt, 2);
    }
}
