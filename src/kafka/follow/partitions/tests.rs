use super::*;

const P0: Partition = Partition(0);
const P1: Partition = Partition(1);
const P2: Partition = Partition(2);

/// The records that there are in each partition.
const BOUNDS: (i64, i64) = (10, 100);

fn owned(partitioning: Partitioning, partitions: &[Partition], now: Instant) -> Partitions {
    let mut all = Partitions::new(partitioning, now);
    all.own(partitions, now);
    all
}

/// Begin the next partition that waits, with what the group has committed for it.
fn begin(
    all: &mut Partitions,
    committed: Option<(i64, &str)>,
    now: Instant,
) -> Option<FollowerEvent> {
    let followed = all.next_to_begin(now)?;
    let committed = committed.map(|(next, note)| (next, note.to_owned()));
    if !followed.is_announced() {
        followed.restore(committed, BOUNDS.0);
    }
    let turn = followed.resume(None, BOUNDS);
    followed.begin(now);
    Some(turn)
}

fn assigned(partition: Partition, from: i64, note: &str) -> Assigned {
    Assigned {
        partition,
        from: NextOffset(from),
        note: note.to_owned(),
        expired: 0,
        end: NextOffset(BOUNDS.1),
        first: false,
        changed: None,
    }
}

#[test]
fn each_partition_begins_at_its_own_position_with_its_own_note() {
    let now = Instant::now();
    let mut all = owned(Partitioning::Any, &[P0, P1, P2], now);
    let expected = assigned(P0, 20, "zero");
    assert_eq!(
        begin(&mut all, Some((20, "zero")), now),
        Some(FollowerEvent::Assigned(expected))
    );
    let expected = Assigned {
        first: true,
        ..assigned(P1, 10, "")
    };
    assert_eq!(
        begin(&mut all, None, now),
        Some(FollowerEvent::Assigned(expected))
    );
    // Records of the third one have expired: what the note says is about records that are gone.
    let expected = Assigned {
        expired: 6,
        ..assigned(P2, 10, "")
    };
    assert_eq!(
        begin(&mut all, Some((4, "two")), now),
        Some(FollowerEvent::Assigned(expected))
    );
    assert_eq!(begin(&mut all, None, now), None);
    let mut read = |partition, offset| {
        let followed = all.read_now(partition).expect("it is read");
        followed.read(Offset(offset), 7);
        (followed.next, followed.trail.last_offset())
    };
    assert_eq!(read(P0, 20), (21, Some(20)));
    assert_eq!(read(P2, 12), (13, Some(12)));
    assert_eq!(read(P0, 22), (23, Some(22)));
}

#[test]
fn a_revoked_partition_is_forgotten_and_only_those_that_were_told_of_are_named() {
    let now = Instant::now();
    let mut all = owned(Partitioning::Any, &[P0, P1, P2], now);
    begin(&mut all, Some((20, "zero")), now);
    begin(&mut all, Some((30, "one")), now);
    assert_eq!(all.disown(&[P1, P2]), [P1]);
    assert!(all.read_now(P0).is_some() && all.read_now(P1).is_none());
    assert!(all.get(P1).is_none() && !all.is_empty());
    // When it comes back, it begins at the position that the group has by then.
    all.own(&[P1], now);
    assert!(all.read_now(P1).is_none());
    let turn = begin(&mut all, Some((40, "other")), now);
    assert_eq!(
        turn,
        Some(FollowerEvent::Assigned(assigned(P1, 40, "other")))
    );
    assert_eq!(all.disown(&[P0, P1]), [P0, P1]);
    assert!(all.is_empty());
}

#[test]
fn positions_are_asked_for_in_turn_and_after_a_question_without_answer_records_come_first() {
    let now = Instant::now();
    let after = |ms| now + Duration::from_millis(ms);
    let mut all = owned(Partitioning::Any, &[P0, P1, P2], now);
    let mut ask = |ms| {
        let next = all.next_to_begin(after(ms)).map(|next| next.partition);
        if next.is_some() {
            all.unanswered(after(ms));
        }
        next
    };
    let asked = [0, 500, 1_000, 1_999, 2_000, 3_000].map(&mut ask);
    assert_eq!(asked, [Some(P0), None, Some(P1), None, Some(P2), Some(P0)]);
    // A new assignment is begun at once.
    all.own(&[Partition(3)], after(3_001));
    assert!(all.next_to_begin(after(3_001)).is_some());
}

#[test]
fn a_topic_of_one_order_is_not_read_while_it_has_more_partitions() {
    let now = Instant::now();
    let mut all = owned(Partitioning::Single, &[P0, P1], now);
    assert!(all.are_too_many() && all.next_to_begin(now).is_none());
    all.disown(&[P1]);
    assert!(!all.are_too_many());
    let turn = begin(&mut all, Some((20, "")), now);
    assert_eq!(turn, Some(FollowerEvent::Assigned(assigned(P0, 20, ""))));
    // What is read already is read on.
    all.own(&[P1], now);
    assert!(all.next_to_begin(now).is_none() && all.read_now(P0).is_some());
}

#[test]
fn a_partition_in_doubt_is_looked_into_while_the_others_are_read() {
    let now = Instant::now();
    let mut all = owned(Partitioning::Any, &[P0, P1], now);
    begin(&mut all, Some((20, "")), now);
    begin(&mut all, Some((20, "")), now);
    all.unanswered(now);
    assert_eq!(all.doubt(|of| of.partition == P1, now), [P1]);
    assert!(all.read_now(P0).is_some() && all.read_now(P1).is_none());
    let resumed = FollowerEvent::Resumed {
        partition: P1,
        expired: 0,
    };
    assert_eq!(begin(&mut all, None, now), Some(resumed));
    assert_eq!(all.doubt(|_| true, now), [P0, P1]);
    assert!(all.doubt(|_| true, now).is_empty(), "none is read");
}

#[test]
fn a_partition_that_begins_while_the_others_are_paused_is_paused_as_well() {
    let now = Instant::now();
    let mut all = owned(Partitioning::Any, &[P0, P1], now);
    begin(&mut all, Some((20, "")), now);
    assert_eq!(all.to_pause(true), [P0]);
    all.set_paused(true);
    assert!(all.to_pause(true).is_empty());
    begin(&mut all, Some((20, "")), now);
    assert_eq!(all.to_pause(true), [P1]);
    all.set_paused(true);
    assert_eq!(all.to_pause(false), [P0, P1]);
}

#[test]
fn the_end_of_each_partition_is_looked_at_every_ten_seconds_once_something_was_read() {
    let now = Instant::now();
    let after = |s| now + Duration::from_secs(s);
    let mut all = owned(Partitioning::Any, &[P0, P1, P2], now);
    (0..3).for_each(|_| drop(begin(&mut all, Some((20, "")), now)));
    for (partition, offset) in [(P0, 21), (P2, 22)] {
        let followed = all.read_now(partition).expect("it is read");
        followed.read(Offset(offset), 7);
    }
    assert_eq!(all.due_end_check(after(9)), None);
    let due = [10, 10, 10, 20].map(|s| all.due_end_check(after(s)));
    assert_eq!(due, [Some((P0, 21)), Some((P2, 22)), None, Some((P0, 21))]);
}

#[test]
fn an_end_before_what_was_read_is_believed_after_ten_seconds() {
    let now = Instant::now();
    let after = |s| now + Duration::from_secs(s);
    let mut followed = Followed::new(P1);
    followed.restore(Some((120, "")).map(|(at, note)| (at, note.to_owned())), 10);
    let waits = [0, 9, 10].map(|s| followed.may_catch_up(100, after(s)));
    assert_eq!(waits, [true, true, false]);
    followed.begin(after(10));
    assert!(!followed.may_catch_up(120, after(11)));
    assert!(followed.may_catch_up(119, after(12)), "it is counted anew");
}

#[test]
fn a_partition_that_changed_is_read_from_what_is_new_in_it() {
    let cut = |first_new| {
        Some(Changed {
            first_new: NextOffset(first_new),
            kept: true,
        })
    };
    let anew = Some(Changed {
        first_new: NextOffset(10),
        kept: false,
    });
    // Position, what has changed, and the next record: on assignment, and while it was read.
    for (next, changed, on_assignment, while_read) in [
        (20, None, 20, 20),
        (4, None, 10, 10),
        // Records before the cut that were not processed are read again; the position lies before it.
        (40, cut(60), 40, 60),
        (4, cut(60), 10, 60),
        (80, cut(60), 60, 60),
        (80, anew, 10, 10),
    ] {
        for (is_read, expected) in [(false, on_assignment), (true, while_read)] {
            let mut followed = Followed::new(P2);
            followed.restore(Some((next, "note".to_owned())), 10);
            if is_read {
                followed.begin(Instant::now());
            }
            let turn = followed.resume(changed, BOUNDS);
            assert_eq!(followed.next, expected, "{next} {changed:?} {is_read}");
            let told = match turn {
                FollowerEvent::Assigned(assigned) if !is_read => assigned.changed,
                FollowerEvent::Changed { changed, .. } if is_read => Some(changed),
                FollowerEvent::Resumed { .. } if is_read => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(told, changed);
        }
    }
}

#[test]
fn what_has_become_of_a_partition_follows_from_its_trail_and_its_position() {
    let mut followed = Followed::new(P0);
    followed.restore(Some((50, String::new())), 10);
    let change = |verdict, high, is_other| followed.change(verdict, (10, high), is_other);
    let anew = Some(Changed {
        first_new: NextOffset(10),
        kept: false,
    });
    assert_eq!(change(Verdict::Same, 100, true), None);
    assert_eq!(change(Verdict::ReCreated, 100, false), anew);
    // Nothing of the trail is there any more: only an end before the position, or another cluster, proves
    // that the topic is another one.
    assert_eq!(change(Verdict::Unknown, 100, false), None);
    assert_eq!(change(Verdict::Unknown, 49, false), anew);
    assert_eq!(change(Verdict::Unknown, 100, true), anew);
    let first_new = 30;
    let cut = Some(Changed {
        first_new: NextOffset(30),
        kept: true,
    });
    assert_eq!(change(Verdict::CutShort { first_new }, 100, false), cut);
}
