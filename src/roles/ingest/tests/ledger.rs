//! What ingest writes to the ledger, and what it commits beside the positions.

use super::*;
use crate::ledger::{Chain, Fates, Kind, LedgerRecord, value_hash};
use crate::pipeline::Content;

fn pipeline_with_ledger() -> Pipeline {
    let mut pipeline = pipeline();
    let outputs = pipeline.outputs().clone().with_ledger("ledger");
    pipeline.set_outputs(outputs);
    pipeline
}

/// The ledger's records among the outputs.
fn in_ledger(outputs: &Outputs) -> Vec<Vec<u8>> {
    let records = outputs.records().into_iter();
    let of_ledger = records.filter(|record| &*record.topic == "ledger");
    of_ledger.filter_map(|record| record.value).collect()
}

fn kinds(values: &[Vec<u8>]) -> Vec<(Kind, i64, i64)> {
    let records = values
        .iter()
        .map(|value| LedgerRecord::parse(value).unwrap());
    let kinds = records.map(|record| {
        record.check(|_| {}).unwrap();
        (record.kind, record.from, record.next)
    });
    kinds.collect()
}

/// A batch of records that cannot be read, and what it leaves in the ledger.
fn batch(worker: &mut Ingest<'_>, offsets: &[i64]) -> Vec<Vec<u8>> {
    let records: Vec<_> = offsets.iter().map(|at| source(*at, b"x", None)).collect();
    let mut outputs = Outputs::default();
    worker.on_batch(&mut records.iter(), &mut outputs).unwrap();
    in_ledger(&outputs)
}

fn kept(state: Option<&WorkerState>, moved_from: Option<i64>) -> Kept<'_> {
    Kept {
        state,
        moved_from: moved_from.map(NextOffset),
    }
}

fn chain(state: Option<&WorkerState>) -> Chain {
    let text = state.unwrap().as_str();
    text.split(' ').find_map(Chain::parse).unwrap()
}

#[test]
fn the_chain_goes_on_from_what_was_committed_whatever_was_aborted() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline_with_ledger(), &session(), &watched.observer);
    let of = Partition(0);
    worker.on_position(of, NextOffset(5), Kept::default());
    assert_eq!(worker.state(of), None);
    let first = batch(&mut worker, &[5, 6]);
    assert_eq!(kinds(&first), [(Kind::Start, 5, 5), (Kind::Run, 5, 7)]);
    let committed = worker.state(of);
    let mut expected = Chain::begin("audit", 0, 5);
    expected.add(5, &value_hash(Some(b"x")));
    expected.add(6, &value_hash(Some(b"x")));
    assert_eq!(chain(committed.as_ref()), expected);
    // What is aborted is processed again, in other batches.
    let aborted = batch(&mut worker, &[7, 9]);
    let after = worker.state(of);
    worker.on_abort();
    worker.on_position(of, NextOffset(7), kept(committed.as_ref(), None));
    assert_eq!(kinds(&batch(&mut worker, &[7])), [(Kind::Run, 7, 8)]);
    assert_eq!(kinds(&batch(&mut worker, &[9])), [(Kind::Run, 8, 10)]);
    assert_eq!(worker.state(of), after);
    worker.on_position(of, NextOffset(7), kept(committed.as_ref(), None));
    assert_eq!(batch(&mut worker, &[7, 9]), aborted);
    let run = LedgerRecord::parse(&aborted[0]).unwrap();
    assert_eq!((run.dead_letters, run.events, run.records), (2, 0, 2));
    assert_eq!(run.outputs, ["dead"]);
    run.check(|entry| assert_eq!((entry.fates, entry.outputs.len()), (Fates::DEAD_LETTER, 1)))
        .unwrap();
}

#[test]
fn a_move_and_a_gap_are_in_the_ledger_before_what_is_read_after_them() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline_with_ledger(), &session(), &watched.observer);
    let of = Partition(0);
    batch(&mut worker, &[5, 6]);
    let state = worker.state(of);
    worker.on_position(of, NextOffset(2), kept(state.as_ref(), Some(7)));
    // Nothing is committed yet that says so.
    assert_eq!(worker.state(of), None);
    let moved = batch(&mut worker, &[2]);
    assert_eq!(kinds(&moved), [(Kind::Move, 7, 2), (Kind::Run, 2, 3)]);
    // A gap after a move.
    let gap = Gap {
        partition: of,
        from: NextOffset(2),
        to: NextOffset(20),
        records: Some(18),
    };
    let mut outputs = Outputs::default();
    let after = worker.on_gap(&gap, kept(state.as_ref(), Some(7)), &mut outputs);
    let values = in_ledger(&outputs);
    assert_eq!(kinds(&values), [(Kind::Move, 7, 2), (Kind::Gap, 2, 20)]);
    worker.on_position(of, NextOffset(20), kept(after.as_ref(), None));
    assert_eq!(kinds(&batch(&mut worker, &[21])), [(Kind::Run, 20, 22)]);
}

#[test]
fn without_a_ledger_nothing_is_written_and_nothing_committed() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline(), &session(), &watched.observer);
    assert!(batch(&mut worker, &[5, 6]).is_empty());
    assert_eq!(worker.state(Partition(0)), None);
}

#[test]
fn alerts_are_not_in_the_ledger_and_events_say_their_source_position() {
    let watched = watched();
    let mut worker = Ingest::new(pipeline_with_ledger(), &session(), &watched.observer);
    let mut outputs = Outputs::default();
    let value = alerting().as_bytes();
    let records = [source(5, value, None)];
    worker.on_batch(&mut records.iter(), &mut outputs).unwrap();
    let records = outputs.records();
    let event = records.iter().find(|one| &*one.topic == "events").unwrap();
    let position = ("ce_watchbellposition".into(), Some(b"audit/0@5".to_vec()));
    assert!(event.headers.contains(&position), "{:?}", event.headers);
    assert!(
        records
            .iter()
            .any(|one| &*one.topic == Content::Alerts.name())
    );
    let values = in_ledger(&outputs);
    let run = LedgerRecord::parse(&values[1]).unwrap();
    assert_eq!((run.events, &run.outputs[..]), (1, &["events".into()][..]));
    let hash = crate::ledger::output_hash(event.value.as_deref());
    run.check(|entry| {
        assert_eq!(entry.value, value_hash(Some(value)));
        assert_eq!(
            entry.outputs.iter().map(|one| one.hash).collect::<Vec<_>>(),
            [hash]
        );
    })
    .unwrap();
}
