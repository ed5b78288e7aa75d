//! A follower reads every partition that it is given, each from its own position, while members come
//! and go.

use std::collections::BTreeMap;
use std::time::Duration;

use watchbell::event::Partition;
use watchbell::kafka::follow::{Assigned, Follower, FollowerEvent, Partitioning};

use super::broker::{Clusters, clusters};
use super::records::{Source, create, unique};
use super::{LIMIT, eventually};

const PARTITIONS: i32 = 4;

/// A follower, and what it was told.
struct Reading {
    follower: Follower,
    /// The partitions that it has, with the next offset of each.
    next: BTreeMap<i32, i64>,
    assigned: Vec<Assigned>,
    /// The offsets that were read of each partition.
    read: BTreeMap<i32, Vec<i64>>,
}

impl Reading {
    fn join(clusters: &Clusters, topic: &str) -> Reading {
        let cluster = clusters.destination.cluster();
        let group = format!("{topic}-readers");
        Reading {
            follower: Follower::join(&cluster, topic, &group, Partitioning::Any).expect("joined"),
            next: BTreeMap::new(),
            assigned: Vec::new(),
            read: BTreeMap::new(),
        }
    }

    fn turn(&mut self) {
        let (next, read) = (&mut self.next, &mut self.read);
        let turn = self
            .follower
            .turn(Duration::from_millis(10), &mut |record, _| {
                let (partition, offset) = (record.position.partition.0, record.position.offset.0);
                let expected = next.insert(partition, offset + 1);
                assert_eq!(expected, Some(offset), "partition {partition}");
                read.entry(partition).or_default().push(offset);
            });
        match turn {
            FollowerEvent::Assigned(assigned) => {
                self.next.insert(assigned.partition.0, assigned.from.0);
                self.assigned.push(assigned);
            }
            FollowerEvent::Revoked(partitions) => {
                for partition in partitions {
                    self.next.remove(&partition.0).expect("it was ours");
                }
            }
            FollowerEvent::Record | FollowerEvent::Idle | FollowerEvent::Spare => {}
            other => panic!("{other:?}"),
        }
    }

    /// Commit where each partition stands, with a note that names the place.
    fn commit(&self) {
        for (partition, next) in &self.next {
            let note = format!("{partition}@{next}");
            let next = watchbell::event::NextOffset(*next);
            self.follower
                .commit(Partition(*partition), next, &note, true)
                .expect("committed");
        }
    }

    fn has(&self, partitions: usize, next: i64) -> bool {
        self.next.len() == partitions && self.next.values().all(|at| *at == next)
    }
}

#[test]
fn followers_share_the_partitions_and_each_goes_on_at_its_own_position_and_note() {
    let clusters = clusters();
    let topic = unique("followed");
    create(&clusters.destination, &topic, PARTITIONS as u32);
    let mut source = Source::new(&clusters.destination, &topic, PARTITIONS as usize);
    source.write(40);
    source.flush();
    let mut first = Reading::join(&clusters, &topic);
    let done = eventually(LIMIT, || {
        first.turn();
        first.has(4, 10)
    });
    assert!(done, "{:?}", first.next);
    assert!(first.assigned.iter().all(|of| of.first && of.from.0 == 0));
    first.commit();

    let mut second = Reading::join(&clusters, &topic);
    let shared = eventually(LIMIT, || {
        first.turn();
        second.turn();
        first.has(2, 10) && second.has(2, 10)
    });
    assert!(shared, "{:?} {:?}", first.next, second.next);
    let note = |of: &Assigned| of.note == format!("{}@10", of.partition.0);
    assert!(second.assigned.iter().all(note), "{:?}", second.assigned);
    source.write(40);
    source.flush();
    let done = eventually(LIMIT, || {
        first.turn();
        second.turn();
        first.has(2, 20) && second.has(2, 20)
    });
    assert!(done, "{:?} {:?}", first.next, second.next);
    second.commit();

    // The second one leaves: what it has committed is known, what the first one has read it goes on with.
    let theirs: Vec<i32> = second.next.keys().copied().collect();
    drop(second);
    let told = first.assigned.len();
    let taken_over = eventually(LIMIT, || {
        first.turn();
        first.has(4, 20)
    });
    assert!(taken_over, "{:?}", first.next);
    let again = &first.assigned[told..];
    let mut partitions: Vec<i32> = again.iter().map(|of| of.partition.0).collect();
    partitions.sort_unstable();
    assert_eq!(partitions, theirs, "only what it did not have");
    let note = |of: &Assigned| of.note == format!("{}@20", of.partition.0) && of.from.0 == 20;
    assert!(again.iter().all(note), "{again:?}");
    source.write(40);
    source.flush();
    let done = eventually(LIMIT, || {
        first.turn();
        first.has(4, 30)
    });
    assert!(done, "{:?}", first.next);
    for (partition, offsets) in &first.read {
        let others = i64::from(theirs.contains(partition)) * 10;
        let count = i64::try_from(offsets.len()).expect("a count");
        assert_eq!(count, 30 - others, "partition {partition}: {offsets:?}");
    }
}
