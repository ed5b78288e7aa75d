//! Every source record is read exactly once with `read_committed`, in order, whatever the group and the
//! worker do.

use std::sync::atomic::Ordering;

use watchbell::event::Partition;
use watchbell::kafka::session::{Lag, Refusal};

use super::broker::clusters;
use super::passthrough::{Running, Setting};
use super::records::{Source, create};
use super::{LIMIT, eventually};

#[test]
fn members_come_and_go_while_transactions_are_open() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "rebalanced");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    let first = Running::start(&setting.config, setting.worker());
    let mut second_config = setting.config.clone();
    second_config.ordinal = 1;
    let mut shared = 0;
    for _ in 0..3 {
        let second = Running::start(&second_config, setting.worker());
        let balanced = eventually(LIMIT, || {
            source.write(200);
            first.heard.assigned.lock().unwrap().len() == 2
                && second.heard.assigned.lock().unwrap().len() == 2
        });
        assert!(balanced, "two members do not share four partitions");
        shared += second.stop().records.load(Ordering::Relaxed);
        let taken_back = eventually(LIMIT, || {
            source.write(200);
            first.heard.assigned.lock().unwrap().len() == 4
        });
        assert!(taken_back, "the first member does not take over");
    }
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    first.stop();
    println!("  the second member committed {shared} records");
    setting.check_exactly_once(&clusters, &source.written);
    setting.check_states(&clusters, 0, &source.written);
}

#[test]
fn a_member_without_partitions_is_ready_and_takes_over() {
    let clusters = clusters();
    let mut setting = Setting::within(&clusters, "spare");
    setting.source_topic += ".single";
    setting.config.source_topic = setting.source_topic.clone();
    create(&clusters.destination, &setting.source_topic, 1);
    let mut source = Source::new(&clusters.destination, &setting.source_topic, 1);
    let first = Running::start(&setting.config, setting.worker());
    assert!(eventually(LIMIT, || first.heard.is_ready()));
    let mut spare_config = setting.config.clone();
    spare_config.ordinal = 1;
    let spare = Running::start(&spare_config, setting.worker());
    let ready = eventually(LIMIT, || {
        let said = spare.heard.troubles.lock().unwrap().contains(&"joining");
        said && spare.heard.not_ready.lock().unwrap().is_none()
    });
    assert!(ready, "{:?}", spare.heard);
    assert!(spare.heard.assigned.lock().unwrap().is_empty());
    source.write(1_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    let lag = || first.heard.lag.lock().unwrap().get(&Partition(0)).copied();
    let caught_up = eventually(LIMIT, || lag() == Some(Lag::CAUGHT_UP));
    assert!(caught_up, "{:?}", lag());
    first.stop();
    source.write(1_000);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    spare.stop();
    setting.check_exactly_once(&clusters, &source.written);
    setting.check_states(&clusters, 0, &source.written);
}

#[test]
fn aborted_batches_are_read_again() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "aborted");
    setting.config.commit_records = 500;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(20_000);
    source.flush();
    let mut worker = setting.worker();
    let (mut seen, mut refusals) = (0_u64, 0);
    worker.before = Box::new(move |_| {
        seen += 1;
        if seen % 3_001 == 0 && refusals < 6 {
            refusals += 1;
            return Err(Refusal {
                reason: "forced",
                detail: "by the test".into(),
            });
        }
        Ok(())
    });
    let running = Running::start(&setting.config, worker);
    setting.wait_for(&clusters, &source.written, LIMIT);
    let heard = running.stop();
    assert_eq!(heard.aborts.lock().unwrap().get("forced"), Some(&6));
    setting.check_exactly_once(&clusters, &source.written);
    setting.check_states(&clusters, 0, &source.written);
}
