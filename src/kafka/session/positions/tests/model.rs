//! Positions against a naive model, and against a log that has to be committed whole, each record once. A
//! worker beside them keeps the list of the records before each position as its state.

use proptest::prelude::*;

use super::*;
use crate::kafka::session::WorkerState;

/// Partitions, and offsets of each.
const PARTITIONS: i32 = 3;
const END: i64 = 12;

/// What can happen to a session's positions.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The group assigns a partition.
    Assign(i32),
    /// The committed position is known; reading begins.
    Start(i32),
    /// The client hands a record over, whichever.
    Arrive(i32, i64),
    /// The reader's next record comes in.
    Read(i32),
    /// The first so many records of each partition that were accepted are committed.
    Commit(usize),
    Abort,
    Revoke(i32),
    /// The outcome of a commit is unknown: the group is asked again.
    Forget,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let partition = 0..PARTITIONS;
    let step = prop_oneof![
        2 => partition.clone().prop_map(Step::Assign),
        3 => partition.clone().prop_map(Step::Start),
        6 => (partition.clone(), 0..END).prop_map(|(of, offset)| Step::Arrive(of, offset)),
        12 => partition.clone().prop_map(Step::Read),
        3 => (0_usize..6).prop_map(Step::Commit),
        1 => Just(Step::Abort),
        1 => partition.prop_map(Step::Revoke),
        1 => Just(Step::Forget),
    ];
    prop::collection::vec(step, 0..120)
}

/// What the model knows of a partition that is read.
#[derive(Debug, Clone)]
struct Reading {
    /// The next offset that is accepted.
    read: i64,
    /// The last consumed record, while it is still to be seen again.
    proof: Option<i64>,
    /// Accepted and not committed.
    accepted: Vec<i64>,
}

/// The naive model: what the group has, and what a session that does as it should has in hand.
#[derive(Debug, Default)]
struct Model {
    /// Next offset and last consumed record, as the group has them.
    group: BTreeMap<i32, (i64, Option<i64>)>,
    /// The worker's state beside them.
    states: BTreeMap<i32, WorkerState>,
    /// `None` while the position is not known.
    owned: BTreeMap<i32, Option<Reading>>,
    /// Every committed record, in the order of the commits.
    written: BTreeMap<i32, Vec<i64>>,
}

impl Model {
    fn committed(&self, of: i32) -> (i64, Option<i64>) {
        self.group.get(&of).copied().unwrap_or_default()
    }

    fn start(&mut self, of: i32) {
        let (read, proof) = self.committed(of);
        let reading = Reading {
            read,
            proof,
            accepted: Vec::new(),
        };
        if let Some(state @ None) = self.owned.get_mut(&of) {
            *state = Some(reading);
        }
    }

    fn arrive(&mut self, of: i32, offset: i64) -> &'static str {
        let Some(Some(reading)) = self.owned.get_mut(&of) else {
            return "stale";
        };
        if reading.proof.is_some_and(|last| offset >= last) && reading.proof.take() == Some(offset)
        {
            return "proof";
        }
        if offset < reading.read {
            return "stale";
        }
        reading.read = offset + 1;
        reading.accepted.push(offset);
        "next"
    }

    /// The position that the group has.
    fn position(&self, of: i32) -> CommittedPosition {
        let (next, last) = self.committed(of);
        let mut position = last.map_or_else(|| bare(next), |last| after(last, next));
        position.evidence.state = self.states.get(&of).cloned();
        position
    }

    /// The positions that a commit of the first `most` records of each partition makes; `state` is the
    /// worker's after the last of them.
    fn commit(
        &mut self,
        most: usize,
        state: impl Fn(i32, i64) -> Option<WorkerState>,
    ) -> CommittedPositions {
        let mut positions = CommittedPositions::new();
        for (of, reading) in &mut self.owned {
            let Some(reading) = reading else { continue };
            let taken: Vec<i64> = reading
                .accepted
                .drain(..most.min(reading.accepted.len()))
                .collect();
            let Some(last) = taken.last().copied() else {
                continue;
            };
            reading.proof = None;
            self.written.entry(*of).or_default().extend(&taken);
            self.group.insert(*of, (last + 1, Some(last)));
            self.states
                .extend(state(*of, last).map(|state| (*of, state)));
            positions.insert(Partition(*of), bare(0));
        }
        for (of, position) in &mut positions {
            *position = self.position(of.0);
        }
        positions
    }

    fn abort(&mut self) {
        for (of, reading) in &mut self.owned {
            if let Some(reading) = reading {
                reading.read = self.group.get(of).map_or(0, |(next, _)| *next);
                reading.accepted.clear();
            }
        }
    }

    fn agrees(&self, positions: &Positions) -> Result<(), TestCaseError> {
        let partitions = |is: fn(&Option<Reading>) -> bool| -> Vec<Partition> {
            let of = self.owned.iter().filter(|(_, state)| is(state));
            of.map(|(of, _)| Partition(*of)).collect()
        };
        prop_assert_eq!(positions.owned(), partitions(|_| true));
        prop_assert_eq!(positions.pending(), partitions(Option::is_none));
        let reading = || {
            let each = self.owned.iter();
            each.filter_map(|(of, state)| Some((*of, state.as_ref()?)))
        };
        let sought = |next: &dyn Fn(i32, &Reading) -> i64| -> Vec<(Partition, NextOffset)> {
            reading()
                .map(|(of, reading)| (Partition(of), NextOffset(next(of, reading))))
                .collect()
        };
        let committed = sought(&|of, _| self.committed(of).0);
        prop_assert_eq!(
            positions.committed().into_iter().collect::<Vec<_>>(),
            committed
        );
        let again = sought(&|of, reading| reading.proof.unwrap_or(self.committed(of).0));
        prop_assert_eq!(positions.sought(), again);
        let on = sought(&|_, reading| reading.proof.unwrap_or(reading.read));
        prop_assert_eq!(positions.sought_on(), on);
        for of in 0..PARTITIONS {
            let state = positions.evidence(Partition(of));
            let state = state.and_then(|evidence| evidence.state.as_ref());
            let is_read = matches!(self.owned.get(&of), Some(Some(_)));
            let expected = self.states.get(&of).filter(|_| is_read);
            prop_assert_eq!(state, expected, "the worker's state");
        }
        Ok(())
    }
}

/// Keeps, for each partition, the records it has processed as its state.
#[derive(Default)]
struct ListingWorker {
    /// The state after each record processed since the position was given.
    after: BTreeMap<(i32, i64), String>,
    now: BTreeMap<i32, String>,
}

impl ListingWorker {
    fn on_position(&mut self, of: Partition, position: &CommittedPosition) {
        let state = position.evidence.state.as_ref();
        let state = state.map(WorkerState::as_str).unwrap_or_default();
        self.now.insert(of.0, state.to_owned());
        self.after.retain(|(partition, _), _| *partition != of.0);
    }

    fn process(&mut self, of: i32, offset: i64) {
        let now = self.now.entry(of).or_default();
        now.push_str(&format!(" {offset}"));
        self.after.insert((of, offset), now.clone());
    }

    fn state(&self, of: i32, last: i64) -> Option<WorkerState> {
        self.after.get(&(of, last)).and_then(WorkerState::new)
    }
}

/// Positions beside the model, and a reader of a log.
#[derive(Default)]
struct Both {
    positions: Positions,
    model: Model,
    worker: ListingWorker,
    /// Where the reader stands in each partition that it reads.
    cursors: BTreeMap<i32, i64>,
}

impl Both {
    fn start(&mut self, of: i32) {
        if !self.positions.pending().contains(&Partition(of)) {
            return;
        }
        let position = self.model.position(of);
        self.positions.start(Partition(of), position, OLDEST);
        self.model.start(of);
        self.give_state_back(of);
        let sought = self.positions.sought();
        let from = sought.iter().find(|(partition, _)| partition.0 == of);
        self.cursors.extend(from.map(|(_, next)| (of, next.0)));
    }

    fn give_state_back(&mut self, of: i32) {
        if let Some(position) = self.positions.position(Partition(of)) {
            self.worker.on_position(Partition(of), position);
        }
    }

    fn arrive(&mut self, of: i32, offset: i64) -> Result<(), TestCaseError> {
        let arrival = match self.positions.arrive(Partition(of), Offset(offset)) {
            Arrival::Next => {
                self.worker.process(of, offset);
                "next"
            }
            Arrival::Proof(last) => {
                prop_assert_eq!(last.offset, offset);
                "proof"
            }
            Arrival::Stale => "stale",
        };
        prop_assert_eq!(arrival, self.model.arrive(of, offset));
        Ok(())
    }

    /// The next record of the log, of which every third offset is a marker.
    fn read(&mut self, of: i32) -> Result<bool, TestCaseError> {
        let Some(cursor) = self.cursors.get_mut(&of) else {
            return Ok(false);
        };
        let Some(offset) = log().find(|offset| offset >= cursor) else {
            return Ok(false);
        };
        *cursor = offset + 1;
        self.arrive(of, offset)?;
        Ok(true)
    }

    fn step(&mut self, step: Step, strays: bool) -> Result<(), TestCaseError> {
        match step {
            Step::Assign(of) => {
                // The group assigns only what is not assigned.
                if !self.positions.owns(Partition(of)) {
                    self.positions.own(&[Partition(of)]);
                    self.model.owned.insert(of, None);
                }
            }
            Step::Start(of) => self.start(of),
            Step::Arrive(of, offset) if strays => self.arrive(of, offset)?,
            Step::Arrive(..) => {}
            Step::Read(of) => {
                self.read(of)?;
            }
            Step::Commit(most) => {
                let state = |of, last| self.worker.state(of, last);
                let committed = self.model.commit(most, state);
                self.positions.commit(&committed);
            }
            Step::Abort => {
                self.positions.rewind();
                self.model.abort();
                (0..PARTITIONS).for_each(|of| self.give_state_back(of));
                let sought = self.positions.sought().into_iter();
                self.cursors = sought.map(|(of, next)| (of.0, next.0)).collect();
            }
            Step::Revoke(of) => {
                self.positions.disown(&[Partition(of)]);
                self.model.owned.remove(&of);
                self.cursors.remove(&of);
            }
            Step::Forget => {
                self.positions.forget();
                self.model
                    .owned
                    .values_mut()
                    .for_each(|state| *state = None);
                self.cursors.clear();
            }
        }
        self.model.agrees(&self.positions)
    }
}

/// The offsets of a partition that are records.
fn log() -> impl Iterator<Item = i64> {
    (0..END).filter(|offset| offset % 3 != 2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn positions_do_what_a_naive_model_does(steps in steps()) {
        let mut both = Both::default();
        for step in steps {
            both.step(step, true)?;
        }
        for written in both.model.written.values() {
            prop_assert!(written.is_sorted_by(|a, b| a < b), "twice: {written:?}");
        }
    }

    #[test]
    fn every_record_of_a_log_is_committed_once_and_in_order(steps in steps()) {
        let mut both = Both::default();
        for step in steps {
            both.step(step, false)?;
        }
        // Whatever has happened, a session that goes on undisturbed commits the rest.
        for of in 0..PARTITIONS {
            both.step(Step::Assign(of), false)?;
            both.step(Step::Start(of), false)?;
            while both.read(of)? {}
        }
        both.step(Step::Commit(usize::MAX), false)?;
        for of in 0..PARTITIONS {
            let written = both.model.written.get(&of).cloned().unwrap_or_default();
            prop_assert_eq!(written, log().collect::<Vec<_>>());
            let listed: String = log().map(|offset| format!(" {offset}")).collect();
            let state = both.model.states.get(&of).map(WorkerState::as_str);
            prop_assert_eq!(state, Some(listed.as_str()), "the worker's state covers all");
        }
    }
}
