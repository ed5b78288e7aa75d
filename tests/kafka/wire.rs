//! Responses of the destination that are lost, late or cut off: the request was carried out, but the session does
//! not know. Records are written all the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use watchbell::kafka::Cluster;
use watchbell::kafka::session::{Delivery, Refusal};

use super::broker::{Clusters, clusters};
use super::passthrough::{Heard, Running, Setting};
use super::proxy::{Call, Instead};
use super::records::Source;
use super::stable::{BUSY, LONGEST_STILL, Watch};
use super::{LIMIT, eventually};

/// Longest time for which nothing is committed after one lost answer: `transaction_timeout`, and a
/// rest; without transactions, the 5 s in which a commit is answered.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 + 1).saturating_add(BUSY);

/// A session through the proxy, and the load on it.
struct Ordeal {
    setting: Setting,
    source: Source,
    /// While it is set, the worker refuses batches, so that there is something to abort.
    refusing: Arc<AtomicBool>,
}

impl Ordeal {
    fn new(clusters: &Clusters, name: &str, delivery: Delivery) -> Ordeal {
        let mut setting = Setting::across(clusters, name);
        let config = &mut setting.config;
        config.delivery = delivery;
        config.destination = Cluster::plaintext(clusters.proxy().bootstrap());
        // A batch is processed before the next one is refused, however slowly.
        config.commit_records = 100;
        // Outputs are under way as soon as there are any.
        let properties = &mut config.destination.properties;
        properties.insert("linger.ms".into(), "1".into());
        let source = Source::new(&clusters.source, &setting.source_topic, 4);
        Ordeal {
            setting,
            source,
            refusing: Arc::default(),
        }
    }

    fn start(&self) -> Running {
        let mut worker = self.setting.worker();
        let refusing = Arc::clone(&self.refusing);
        let mut refused = Instant::now();
        worker.before = Box::new(move |_| {
            if !refusing.load(Ordering::Acquire) {
                return Ok(());
            }
            // So slowly that records wait while a transaction is open.
            std::thread::sleep(Duration::from_millis(2));
            // Rarely enough that commits come between.
            if refused.elapsed() > Duration::from_millis(300) {
                refused = Instant::now();
                return Err(Refusal {
                    reason: "forced",
                    detail: "by the test".into(),
                });
            }
            Ok(())
        });
        Running::start(&self.setting.config, worker)
    }

    /// Let records flow until it holds; returns how long that took.
    fn flow(&mut self, what: &str, heard: &Heard, mut holds: impl FnMut() -> bool) -> Duration {
        let since = Instant::now();
        let held = eventually(LIMIT, || {
            self.source.write(20);
            holds()
        });
        assert!(held, "{what}: {heard:?}");
        since.elapsed()
    }

    /// Let records flow until this many more are committed.
    fn flow_on(&mut self, what: &str, heard: &Heard, more: u64) -> Duration {
        let before = heard.records.load(Ordering::Relaxed);
        self.flow(what, heard, || {
            heard.records.load(Ordering::Relaxed) >= before + more
        })
    }
}

/// When answers begin to are lost, late or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before the session is started.
    Starting,
    /// While records flow.
    Flowing,
}

/// Let the answers to these calls are lost, late or cut off, then look at what came of it; returns why batches were
/// aborted, and how often.
fn endure(
    clusters: &Clusters,
    delivery: Delivery,
    when: When,
    calls: &[(Call, usize)],
    instead: Instead,
) -> BTreeMap<&'static str, u64> {
    let what = format!("{delivery:?}, {when:?}, {calls:?}: {instead:?}");
    let mut ordeal = Ordeal::new(clusters, "wire", delivery);
    let proxy = clusters.proxy();
    // A test that failed may have left orders behind.
    proxy.relent();
    let go_astray = || {
        for (call, times) in calls {
            proxy.order(*call, instead, *times);
        }
    };
    if when == When::Starting {
        go_astray();
    }
    let running = ordeal.start();
    let heard = Arc::clone(&running.heard);
    let watch = Watch::start(&clusters.destination, &ordeal.setting.output, 3);
    if when == When::Flowing {
        ordeal.flow_on("before", &heard, 200);
        go_astray();
    }
    let aborting = calls.iter().any(|(call, _)| *call == Call::Abort);
    ordeal.refusing.store(aborting, Ordering::Release);
    ordeal.flow(&what, &heard, || proxy.outstanding() == 0);
    ordeal.refusing.store(false, Ordering::Release);
    let pause = ordeal.flow_on(&what, &heard, 200);
    // What was held back arrives when nobody expects it any more.
    proxy.relent();
    ordeal.flow_on("after", &heard, 200);
    let still = watch.stop();
    ordeal.source.flush();
    let written = ordeal.source.written.clone();
    ordeal.setting.wait_for(clusters, &written, LIMIT);
    let heard = running.stop();
    let aborts = heard.aborts.lock().unwrap().clone();
    println!("  {what}: nothing for {pause:.1?}, readers held up {still:.1?}, {aborts:?}");
    assert!(still <= LONGEST_STILL, "readers were held up for {still:?}");
    assert!(
        pause <= LONGEST_PAUSE * calls.len() as u32,
        "nothing was committed for {pause:?}"
    );
    match delivery {
        Delivery::ExactlyOnce => ordeal.setting.check_exactly_once(clusters, &written),
        Delivery::AtLeastOnce => ordeal.setting.check_nothing_missing(clusters, &written),
    }
    ordeal.setting.check_states(clusters, 0, &written);
    aborts
}

#[test]
fn a_lost_response_loses_and_repeats_nothing() {
    let clusters = clusters();
    let lose = |when, calls: &[(Call, usize)]| {
        endure(&clusters, Delivery::ExactlyOnce, when, calls, Instead::Lose);
    };
    for call in [
        Call::Produce,
        Call::AddPartitions,
        Call::AddOffsets,
        Call::TxnOffsetCommit,
        Call::Commit,
        Call::Abort,
    ] {
        lose(When::Flowing, &[(call, 1)]);
    }
    lose(When::Starting, &[(Call::InitProducerId, 1)]);
    lose(When::Starting, &[(Call::OffsetFetch, 3)]);
    lose(When::Starting, &[(Call::SyncGroup, 1)]);
    // The producer that takes over after an unknown outcome does not hear either.
    lose(
        When::Flowing,
        &[(Call::Commit, 1), (Call::InitProducerId, 1)],
    );
}

#[test]
fn a_late_response_is_not_taken_for_that_of_another_request() {
    let clusters = clusters();
    for call in [Call::Commit, Call::Abort] {
        endure(
            &clusters,
            Delivery::ExactlyOnce,
            When::Flowing,
            &[(call, 1)],
            Instead::Hold,
        );
    }
}

#[test]
fn a_connection_that_closes_before_the_response_repeats_nothing() {
    let clusters = clusters();
    for call in [
        Call::Produce,
        Call::AddOffsets,
        Call::TxnOffsetCommit,
        Call::Commit,
        Call::Abort,
    ] {
        endure(
            &clusters,
            Delivery::ExactlyOnce,
            When::Flowing,
            &[(call, 2)],
            Instead::Cut,
        );
    }
}

#[test]
fn without_transactions_a_lost_response_loses_nothing() {
    let clusters = clusters();
    let lose = |when, call| {
        let delivery = Delivery::AtLeastOnce;
        endure(&clusters, delivery, when, &[(call, 1)], Instead::Lose)
    };
    lose(When::Flowing, Call::Produce);
    lose(When::Starting, Call::InitProducerId);
    // The client asks again by itself, once or twice. Whoever did not wait for that would later find
    // positions aborted.
    let aborts = lose(When::Flowing, Call::OffsetCommit);
    assert!(aborts.is_empty(), "{aborts:?}");
}
