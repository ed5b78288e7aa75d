//! Outputs that cannot be written: if the record is the cause, it becomes a dead letter; otherwise the cause is
//! reported.

use std::sync::atomic::Ordering;

use watchbell::event::{Offset, Partition};
use watchbell::kafka::topics::WantedTopic;

use super::broker::clusters;
use super::passthrough::{Running, Setting};
use super::records::{Source, create, create_with, read_committed};
use super::{LIMIT, eventually};

#[test]
fn an_output_that_is_too_large_becomes_a_dead_letter_and_its_neighbors_do_not() {
    let clusters = clusters();
    let mut setting = Setting::within(&clusters, "poison");
    setting.source_topic += ".large";
    setting.config.source_topic = setting.source_topic.clone();
    let topic = WantedTopic::new(&setting.source_topic, 4).with("max.message.bytes", "33554432");
    create_with(&clusters.destination, &topic);
    let mut source = Source::new(&clusters.destination, &setting.source_topic, 4);
    source.write(2_000);
    source.write_value(1, &incompressible(1_500_000));
    source.write(2_000);
    source.write_value(2, &incompressible(24_000_000));
    source.write(2_000);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    let heard = running.stop();
    let quarantined = heard.quarantined.lock().unwrap().clone();
    let mut partitions: Vec<Partition> = quarantined.iter().map(|(p, _)| *p).collect();
    partitions.sort();
    assert_eq!(partitions, [Partition(1), Partition(2)], "{quarantined:?}");
    assert_eq!(
        quarantined.iter().find(|(p, _)| p.0 == 1),
        Some(&(Partition(1), Offset(500)))
    );
    setting.check_exactly_once(&clusters, &source.written);
    let dead = read_committed(&clusters.destination, &setting.dead_letters);
    assert_eq!(dead.len(), 2);
    for letter in dead {
        assert_eq!(letter.header("reason").as_deref(), Some("output_too_large"));
    }
}

#[test]
fn the_session_waits_for_a_missing_output_topic_without_dead_letters() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "missing");
    setting.output += ".later";
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(1_000);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    let said = eventually(LIMIT, || {
        let not_ready = running.heard.not_ready.lock().unwrap();
        not_ready.as_ref().is_some_and(|state| {
            state.reason == "topic_missing" && state.remedy.contains(&setting.output)
        })
    });
    assert!(said, "{:?}", running.heard);
    assert_eq!(running.heard.records.load(Ordering::Relaxed), 0);
    create(&clusters.destination, &setting.output, 3);
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert!(
        eventually(LIMIT, || running.heard.is_ready()),
        "{:?}",
        running.heard
    );
    let heard = running.stop();
    assert!(heard.quarantined.lock().unwrap().is_empty());
    setting.check_exactly_once(&clusters, &source.written);
    assert!(read_committed(&clusters.destination, &setting.dead_letters).is_empty());
}

/// Bytes that lz4 cannot make smaller.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(next).collect()
}
