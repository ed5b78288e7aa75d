//! The lag of a session: its metrics, and the offsets for dashboards on the source cluster.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use watchbell::event::Partition;
use watchbell::kafka::session::{Lag, Refusal};

use super::broker::clusters;
use super::passthrough::{Running, Setting};
use super::records::{Source, committed, unique};
use super::{LIMIT, eventually};

#[test]
fn lag_has_a_number_and_an_age_while_records_wait() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "lag");
    setting.look_often();
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(4);
    source.flush();
    let begun = Instant::now();
    let mut worker = setting.worker();
    // The first record of each partition passes, what follows waits.
    worker.before = Box::new(|source| match source.record.position.offset.0 {
        0 => Ok(()),
        _ => Err(Refusal {
            reason: "held",
            detail: "by the test".into(),
        }),
    });
    let running = Running::start(&setting.config, worker);
    setting.wait_for(&clusters, &source.written, LIMIT);
    source.write(12);
    source.flush();
    let lag = || {
        running
            .heard
            .lag
            .lock()
            .unwrap()
            .get(&Partition(2))
            .copied()
    };
    let waiting = eventually(LIMIT, || lag().is_some_and(|lag| lag.records == Some(3)));
    let seen = lag().expect("a lag");
    assert!(waiting, "{seen:?}");
    let age = seen.age.expect("an age");
    assert!(age <= begun.elapsed() + Duration::from_secs(1), "{age:?}");
    running.stop();
    let free = Running::start(&setting.config, setting.worker());
    let lag = || free.heard.lag.lock().unwrap().get(&Partition(2)).copied();
    let caught_up = eventually(LIMIT, || lag() == Some(Lag::CAUGHT_UP));
    assert!(caught_up, "{:?}", lag());
    free.stop();
}

#[test]
fn positions_are_copied_to_the_source_cluster_and_a_refusal_has_no_effect() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "mirror");
    let group = unique("dashboard");
    setting.config.lag_group = Some(group.clone());
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    let copied = || committed(&clusters.source, &group, &setting.source_topic, 4);
    assert!(eventually(LIMIT, || copied() == [100; 4]), "{:?}", copied());

    // Another consumer is a member of the group, so the copies are refused; records are still processed.
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", clusters.source.bootstrap())
        .set("group.id", &group)
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    consumer
        .subscribe(&[&setting.source_topic])
        .expect("subscribed");
    let joined = eventually(LIMIT, || {
        let _ = consumer.poll(Duration::from_millis(10));
        consumer.assignment().expect("a list").count() == 4
    });
    assert!(joined, "the other consumer gets no partitions");
    source.write(400);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    let refused = eventually(LIMIT, || {
        let _ = consumer.poll(Duration::from_millis(10));
        running.heard.mirror_failures.load(Ordering::Relaxed) > 0
    });
    assert!(refused, "the copies were not refused");
    assert!(running.heard.is_ready());
    running.stop();
    assert_eq!(copied(), [100; 4]);
    setting.check_exactly_once(&clusters, &source.written);
}
