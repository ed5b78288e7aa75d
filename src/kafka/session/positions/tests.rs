use super::noted::NOTE_PAUSE;
use std::time::Duration;

use super::*;
use crate::kafka::session::committed_position::Evidence;
use crate::kafka::session::observe::Lag;

mod model;

const P0: Partition = Partition(0);
const OLDEST: NextOffset = NextOffset(0);

fn bare(next: i64) -> CommittedPosition {
    CommittedPosition {
        next: NextOffset(next),
        evidence: Evidence::default(),
    }
}

/// A position after the record at `last`, written at second 1.
fn after(last: i64, next: i64) -> CommittedPosition {
    let record = LastRecord::new(Offset(last), Some(1_000), None, Some(b"value"));
    CommittedPosition {
        next: NextOffset(next),
        evidence: Evidence::new(Some("here"), "audit", Some(record)),
    }
}

fn started(position: CommittedPosition, oldest: NextOffset) -> Positions {
    let mut positions = Positions::default();
    positions.own(&[P0]);
    positions.start(P0, position, oldest);
    positions
}

fn unreadable(partition: i32, offset: i64) -> Unreadable {
    Unreadable {
        partition: Partition(partition),
        offset: Offset(offset),
        next: None,
        detail: "bad checksum".into(),
    }
}

fn arrivals<const N: usize>(positions: &mut Positions, offsets: [i64; N]) -> [Arrival; N] {
    offsets.map(|offset| positions.arrive(P0, Offset(offset)))
}

#[test]
fn a_record_is_accepted_once() {
    let mut positions = started(bare(5), OLDEST);
    let seen = arrivals(&mut positions, [4, 5, 5, 9]);
    // Markers leave holes.
    let expected = [Arrival::Stale, Arrival::Next, Arrival::Stale, Arrival::Next];
    assert_eq!(seen, expected);
}

#[test]
fn a_rewind_goes_back_to_what_is_committed() {
    let mut positions = started(bare(5), OLDEST);
    arrivals(&mut positions, [5]);
    positions.commit(&CommittedPositions::from([(P0, after(5, 6))]));
    arrivals(&mut positions, [6]);
    positions.rewind();
    assert_eq!(positions.sought(), [(P0, NextOffset(6))]);
    assert_eq!(arrivals(&mut positions, [6]), [Arrival::Next]);
}

#[test]
fn the_last_record_is_read_once_more_and_is_no_new_one() {
    let position = after(4, 5);
    let last = position.evidence.last.clone().expect("a last record");
    let mut positions = started(position, OLDEST);
    assert_eq!(positions.sought(), [(P0, NextOffset(4))]);
    // A rewind before the proof is in does not lose it.
    positions.rewind();
    assert_eq!(positions.sought(), [(P0, NextOffset(4))]);
    let seen = arrivals(&mut positions, [4, 5]);
    assert_eq!(seen, [Arrival::Proof(last), Arrival::Next]);
    positions.rewind();
    assert_eq!(positions.sought(), [(P0, NextOffset(5))]);
}

#[test]
fn the_last_record_is_found_before_the_markers_that_follow_it() {
    // Offsets 5 and 6 were markers when the position was moved over them.
    let mut positions = started(after(4, 7), OLDEST);
    assert_eq!(positions.sought(), [(P0, NextOffset(4))]);
    let seen = arrivals(&mut positions, [4, 7]);
    assert!(matches!(seen, [Arrival::Proof(_), Arrival::Next]));
}

#[test]
fn a_last_record_that_was_compacted_away_is_not_waited_for() {
    let mut positions = started(after(4, 5), OLDEST);
    assert_eq!(
        arrivals(&mut positions, [8, 4]),
        [Arrival::Next, Arrival::Stale]
    );
}

#[test]
fn a_last_record_that_expired_is_not_asked_for() {
    let positions = started(after(4, 5), NextOffset(5));
    assert_eq!(positions.sought(), [(P0, NextOffset(5))]);
}

#[test]
fn a_last_record_behind_the_position_is_nonsense_and_not_asked_for() {
    let positions = started(after(9, 5), OLDEST);
    assert_eq!(positions.sought(), [(P0, NextOffset(5))]);
}

#[test]
fn nothing_is_accepted_while_the_position_is_pending() {
    let mut positions = started(bare(5), OLDEST);
    positions.forget();
    assert_eq!(positions.pending(), [P0]);
    assert_eq!(arrivals(&mut positions, [5]), [Arrival::Stale]);
}

#[test]
fn a_partition_of_somebody_else_is_never_accepted() {
    let mut positions = started(bare(5), OLDEST);
    positions.disown(&[P0]);
    assert_eq!(arrivals(&mut positions, [5]), [Arrival::Stale]);
    assert!(!positions.owns(P0));
}

#[test]
fn a_partition_the_source_does_not_have_is_not_waited_for_until_the_source_grows() {
    let mut positions = started(bare(5), OLDEST);
    positions.absent(P0);
    assert!(positions.pending().is_empty());
    positions.look_again();
    assert_eq!(positions.pending(), [P0]);
}

#[test]
fn a_position_is_noted_at_once_then_once_a_minute_and_whenever_it_is_asked_for() {
    let mut positions = started(after(4, 5), OLDEST);
    let next_positions = CommittedPositions::from([(P0, after(5, 6))]);
    let now = Instant::now();
    assert!(
        positions.unnoted().is_empty(),
        "nothing was committed by us"
    );
    assert_eq!(positions.due_notes(&next_positions, now), [P0]);
    positions.commit(&next_positions);
    positions.note(&[P0], now);
    assert!(positions.due_notes(&next_positions, now).is_empty());
    assert!(positions.unnoted().is_empty());
    let later = CommittedPositions::from([(P0, after(6, 7))]);
    positions.commit(&later);
    assert_eq!(positions.unnoted(), later);
    assert_eq!(positions.due_notes(&later, now + NOTE_PAUSE), [P0]);
}

#[test]
fn lag_has_a_number_and_an_age() {
    let mut positions = started(after(4, 5), OLDEST);
    let begun = Instant::now();
    let mut lag = |end, now_ms: i64, after_s| {
        let now = begun + Duration::from_secs(after_s);
        positions.lag(P0, NextOffset(end), None, (now_ms, now))
    };
    let behind = |records, age_s| {
        let (records, age) = (Some(records), Some(Duration::from_secs(age_s)));
        Some(Lag { records, age })
    };
    // The record before the position is a second old at 2 s.
    assert_eq!(lag(8, 2_000, 0), behind(3, 1));
    assert_eq!(lag(5, 60_000, 58), Some(Lag::CAUGHT_UP));
    // Whatever comes after an idle hour has come since then.
    assert_eq!(lag(6, 65_000, 63), behind(1, 5));
    // That holds also where the wall clock has jumped ahead by an hour meanwhile.
    assert_eq!(lag(6, 3_665_000, 63), behind(1, 5));
    // A clock that is behind the records gives no negative age.
    assert_eq!(lag(6, 50, 63), behind(1, 0));
}

#[test]
fn where_offsets_jump_lag_is_a_time_and_ends_when_the_client_gets_no_more() {
    let mut positions = started(after(4, 5), OLDEST);
    let begun = Instant::now();
    let lag = |positions: &mut Positions, idle, now_ms: i64, after_s| {
        let now = begun + Duration::from_secs(after_s);
        let lag = positions.lag_in_time(P0, idle, (now_ms, now));
        let lag = lag.expect("a lag");
        assert_eq!(lag.records, None, "a number would be wrong");
        lag.age.map(|age| age.as_secs())
    };
    // The record before the position was written at 1 s.
    assert_eq!(lag(&mut positions, false, 31_000, 0), Some(30));
    assert_eq!(lag(&mut positions, true, 36_000, 5), Some(0));
    assert_eq!(lag(&mut positions, false, 46_000, 15), Some(10));
    // What was read and is not committed waits, however idle the client is.
    arrivals(&mut positions, [4, 905]);
    assert_eq!(lag(&mut positions, true, 56_000, 25), Some(20));
    positions.commit(&CommittedPositions::from([(P0, after(905, 906))]));
    assert_eq!(lag(&mut positions, true, 61_000, 30), Some(0));
}

#[test]
fn markers_at_the_end_of_a_partition_are_no_lag_and_are_passed_over() {
    let mut positions = started(after(4, 5), OLDEST);
    let handed_over = BTreeMap::from([(P0, NextOffset(7))]);
    let lag = |positions: &mut Positions| {
        let to = handed_over.get(&P0).copied();
        positions
            .lag(P0, NextOffset(7), to, (2_000, Instant::now()))
            .expect("a lag")
    };
    assert_eq!(lag(&mut positions), Lag::CAUGHT_UP);
    // What the client says before a record has come may be from before a rewind.
    assert!(positions.skippable(&handed_over).is_empty());
    arrivals(&mut positions, [4]);
    let next_positions = positions.skippable(&handed_over);
    let moved = CommittedPosition {
        next: NextOffset(7),
        ..after(4, 5)
    };
    assert_eq!(next_positions, CommittedPositions::from([(P0, moved)]));
    positions.commit(&next_positions);
    assert!(positions.skippable(&handed_over).is_empty());
    assert_eq!(arrivals(&mut positions, [7]), [Arrival::Next]);
    assert_eq!(lag(&mut positions), Lag::CAUGHT_UP);
}

#[test]
fn no_position_passes_a_record_that_is_not_committed() {
    let mut positions = started(bare(5), OLDEST);
    arrivals(&mut positions, [5]);
    let handed_over = BTreeMap::from([(P0, NextOffset(7))]);
    assert!(positions.skippable(&handed_over).is_empty());
    let lag = positions.lag(
        P0,
        NextOffset(7),
        Some(NextOffset(7)),
        (2_000, Instant::now()),
    );
    assert_eq!(lag.map(|lag| lag.records), Some(Some(2)));
    positions.rewind();
    assert!(positions.skippable(&handed_over).is_empty());
}

#[test]
fn the_age_is_unknown_before_anything_is_known() {
    let mut positions = started(bare(5), OLDEST);
    let lag = positions.lag(P0, NextOffset(8), None, (2_000, Instant::now()));
    let unknown = Lag {
        records: Some(3),
        age: None,
    };
    assert_eq!(lag, Some(unknown));
}

#[test]
fn a_partition_that_cannot_be_read_is_left_out_until_it_can() {
    let mut positions = started(bare(5), OLDEST);
    positions.own(&[Partition(1)]);
    positions.start(Partition(1), bare(3), OLDEST);
    arrivals(&mut positions, [5, 6]);
    positions.hold(unreadable(0, 7));
    assert_eq!(positions.sought(), [(Partition(1), NextOffset(3))]);
    assert_eq!(positions.held(), [unreadable(0, 7)]);
    positions.release(P0);
    assert_eq!(positions.sought_on()[0], (P0, NextOffset(7)));
    assert!(positions.held().is_empty());
}

#[test]
fn what_comes_before_records_that_cannot_be_read_is_read_again_after_an_abort() {
    let mut positions = started(bare(5), OLDEST);
    arrivals(&mut positions, [5, 6]);
    positions.hold(unreadable(0, 7));
    positions.rewind();
    assert_eq!(positions.sought(), [(P0, NextOffset(5))]);
    arrivals(&mut positions, [5, 6]);
    positions.hold(unreadable(0, 7));
    positions.commit(&CommittedPositions::from([(P0, bare(7))]));
    positions.rewind();
    assert!(positions.sought().is_empty(), "it cannot be read");
}

#[test]
fn records_that_cannot_be_read_are_told_once_everything_before_them_is_committed() {
    let mut positions = started(bare(5), OLDEST);
    arrivals(&mut positions, [5, 6]);
    positions.hold(unreadable(0, 7));
    assert!(
        positions.unreported().is_empty(),
        "5 and 6 are not committed"
    );
    positions.commit(&CommittedPositions::from([(P0, after(6, 7))]));
    let [(told, position)] = &positions.unreported()[..] else {
        panic!("nothing is told");
    };
    assert_eq!((told, position.next), (&unreadable(0, 7), NextOffset(7)));
    positions.commit(&CommittedPositions::from([(P0, position.clone())]));
    assert!(positions.unreported().is_empty());
    // Another process reads the same position.
    let evidence = Evidence::parse(&position.evidence.to_json());
    let next = position.next;
    let mut positions = started(CommittedPosition { next, evidence }, OLDEST);
    positions.hold(unreadable(0, 7));
    assert!(positions.unreported().is_empty(), "it was told before");
}

#[test]
fn a_last_record_that_cannot_be_read_again_is_given_up() {
    let mut positions = started(after(4, 5), OLDEST);
    assert_eq!(positions.sought_on(), [(P0, NextOffset(4))]);
    assert_eq!(positions.give_up_proof(P0), Some(NextOffset(5)));
    assert_eq!(positions.sought_on(), [(P0, NextOffset(5))]);
    assert_eq!(positions.give_up_proof(P0), None);
}

#[test]
fn nothing_is_left_of_a_partition_that_went_elsewhere() {
    let mut positions = started(bare(5), OLDEST);
    positions.hold(unreadable(0, 5));
    positions.disown(&[P0]);
    assert!(positions.partitions.is_empty());
    assert!(positions.held().is_empty() && positions.unreported().is_empty());
    // When it comes back it is a new one.
    positions.own(&[P0]);
    positions.start(P0, bare(9), OLDEST);
    assert_eq!(positions.sought(), [(P0, NextOffset(9))]);
}

#[test]
fn a_record_is_as_late_as_its_log_and_never_later_than_the_moment_in_which_none_was_left() {
    const HOUR_MS: i64 = 3_600_000;
    const NOW_MS: i64 = 1_800_000_000_000;
    let begun = Instant::now();
    let mut positions = started(bare(5), OLDEST);
    let old = NOW_MS - 3 * HOUR_MS;
    let see = |positions: &mut Positions, timestamp_ms, now_ms, after_s| {
        let now = begun + Duration::from_secs(after_s);
        let (latest, logged_ms) = positions.see(P0, Some(timestamp_ms), (now_ms, now));
        (latest.0, logged_ms)
    };
    assert_eq!(see(&mut positions, old, NOW_MS, 0), (Some(old), Some(old)));
    // One clock that is further behind, or wrong, changes nothing.
    for other in [old - HOUR_MS, 0, NOW_MS + 9_000 * HOUR_MS] {
        assert_eq!(
            see(&mut positions, other, NOW_MS, 0),
            (Some(old), Some(old))
        );
    }
    // What is read again after an abort is as late as it was.
    see(&mut positions, NOW_MS, NOW_MS, 0);
    positions.rewind();
    assert_eq!(see(&mut positions, old, NOW_MS, 0), (Some(old), Some(old)));
    // Nothing was left to read a minute ago: also where the only producer's clock is behind, and where
    // ours has jumped ahead since.
    let now = (NOW_MS, begun);
    assert_eq!(
        positions.lag(P0, NextOffset(5), None, now),
        Some(Lag::CAUGHT_UP)
    );
    for now_ms in [NOW_MS + 60_000, NOW_MS + 5 * HOUR_MS] {
        let seen = see(&mut positions, old, now_ms, 60);
        assert_eq!(seen, (Some(old), Some(now_ms - 60_000)));
    }
}
