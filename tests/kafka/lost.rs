//! A group that has lost its positions, and the copies from which they are restored.

use std::sync::atomic::Ordering;

use watchbell::kafka::session::{
    DEFAULT_POSITIONS_TOPIC, Delivery, MoveTarget, Offsets, OnGap, SessionError, Start,
};
use watchbell::kafka::topics::Topics;

use super::admin::{delete_group, expire};
use super::broker::{Clusters, clusters};
use super::passthrough::{Running, Setting, would_stop};
use super::records::{Source, read_committed};
use super::{LIMIT, eventually};

/// Consume 400, lose the group, write 400 more, of which the first 50 of each partition expire.
/// With `stop` it stops and says why; with `continue` it goes on from the notes, counts what is
/// missing, and repeats nothing.
fn lose(clusters: &Clusters, mut setting: Setting) {
    let from = if setting.config.source == setting.config.destination {
        &clusters.destination
    } else {
        &clusters.source
    };
    // A first start would silently skip these records.
    setting.config.start = Start::Latest;
    let mut source = Source::new(from, &setting.source_topic, 4);
    let first = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || first.heard.is_ready()));
    source.write(400);
    source.flush();
    setting.wait_for(clusters, &source.written, LIMIT);
    assert_eq!(first.stop().lost.load(Ordering::Relaxed), 0);
    delete_group(&clusters.destination, &setting.config.group);
    source.write(400);
    source.flush();
    expire(from, &setting.source_topic, &[150; 4]);

    let mut stopping = setting.config.clone();
    stopping.on_gap = OnGap::Stop;
    let error = Running::start(&stopping, setting.worker()).wait();
    let error = error.expect_err("lost positions");
    assert!(
        matches!(error, SessionError::PositionsLost { partitions: 4, .. }),
        "{error}"
    );
    assert_eq!(would_stop(&stopping), Some("positions_lost"));
    assert_eq!(
        would_stop(&setting.config),
        None,
        "it goes on from the notes"
    );
    let going_on = Running::start(&setting.config, setting.worker());
    setting.wait_for(clusters, &source.written, LIMIT);
    let heard = going_on.stop();
    assert_eq!(heard.lost.load(Ordering::Relaxed), 4);
    let gaps = heard.gaps.lock().unwrap().clone();
    assert_eq!(gaps.len(), 4);
    assert!(gaps.iter().all(|gap| gap.records == Some(50)), "{gaps:?}");
    let read = read_committed(&clusters.destination, &setting.output);
    assert_eq!(read.len(), 400 + 200);

    let again = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || again.heard.is_ready()));
    assert_eq!(again.stop().lost.load(Ordering::Relaxed), 0);
}

#[test]
fn a_deleted_group_is_not_taken_for_a_first_start_with_two_clusters() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "lost-across");
    lose(&clusters, setting);
}

#[test]
fn a_deleted_group_is_not_taken_for_a_first_start_within_a_cluster() {
    let clusters = clusters();
    let setting = Setting::within(&clusters, "lost-within");
    lose(&clusters, setting);
}

#[test]
fn lost_positions_can_be_restored_by_hand_also_without_transactions() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "lost-by-hand");
    setting.config.on_gap = OnGap::Stop;
    setting.config.delivery = Delivery::AtLeastOnce;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    delete_group(&clusters.destination, &setting.config.group);
    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let seen = offsets.show().expect("positions");
    assert!(seen.iter().all(|seen| seen.position.is_none()), "{seen:?}");
    let all = offsets.partitions();
    let moves = offsets.plan(&all, MoveTarget::Noted).expect("notes");
    offsets.execute(&moves).expect("put back");
    let second = Running::start(&setting.config, setting.worker());
    source.write(400);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    second.stop();
    assert_eq!(
        read_committed(&clusters.destination, &setting.output).len(),
        800
    );
}

#[test]
fn copies_of_positions_never_expire() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "notes");
    let running = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || running.heard.is_ready()));
    running.stop();
    let topics = Topics::new(&clusters.destination.cluster(), LIMIT).expect("an admin client");
    let found = topics.describe(&[DEFAULT_POSITIONS_TOPIC]).expect("topics");
    assert_eq!(found[0].settings["cleanup.policy"], "compact");
}
