//! Several sources in one process do not affect each other. The process is ready if all sources are; `/readyz`
//! names those that cannot be read.

use std::time::{Duration, Instant};

use super::audit::Audit;
use super::broker::clusters_alone;
use super::daemon::Deployment;
use super::flow::Ends;
use super::secured::secured;
use super::{LIMIT, eventually};

/// Until the first record of a source is seen that has been silent: one commit, and what a busy
/// machine adds.
const FIRST: Duration = Duration::from_secs(5);

/// The same for a source whose broker was away: the longest pause between two looks is 5 s.
const FIRST_AFTER_AN_OUTAGE: Duration = Duration::from_secs(5 + 15);

/// Write events one after the other; the median time until a `read_committed` consumer sees one.
fn latency(audit: &mut Audit, ends: &Ends) -> Duration {
    let mut latencies: Vec<Duration> = (0..15).map(|_| one_event(audit, ends, LIMIT)).collect();
    latencies.sort_unstable();
    latencies[latencies.len() / 2]
}

/// Write one event, and wait until it is seen.
fn one_event(audit: &mut Audit, ends: &Ends, limit: Duration) -> Duration {
    let before = ends.stable();
    let written = Instant::now();
    audit.write_event(0);
    audit.flush();
    let seen = eventually(limit, || ends.have_moved(&before));
    assert!(seen, "not seen within {limit:?}");
    written.elapsed()
}

#[test]
fn a_source_flows_beside_others_that_are_silent_unreachable_or_refused() {
    let mut clusters = clusters_alone();
    let secured = secured();
    let mut deployment = Deployment::new(&clusters, "silent");
    let mut flowing = deployment.source(&clusters.destination, "flowing");
    let ends = Ends::of(&clusters.destination, &deployment.events, 3);
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    latency(&mut flowing, &ends);
    let alone = latency(&mut flowing, &ends);
    daemon.terminate();

    let mut silent = deployment.source(&clusters.source, "silent");
    let daemon = deployment.start(0);
    daemon.wait_until_ready();
    let beside_silence = latency(&mut flowing, &ends);
    assert_eq!(daemon.ready(), Ok(()), "silence is no fault");
    let first = one_event(&mut silent, &ends, FIRST);
    daemon.terminate();

    clusters.source.stop();
    let refused = format!(
        "bootstrap: \"{}\", kafka: {{security.protocol: SASL_SSL, sasl.mechanism: PLAIN, \
         sasl.username: plain-key, sasl.password_file: {}, ssl.ca.location: {}}}",
        secured.login(),
        secured.secret("another", "not-the-password"),
        secured.file("broker.pem").display()
    );
    deployment.name_source("refused", &refused);
    let daemon = deployment.start(0);
    let [silent_name, refused_name] = ["silent", "refused"].map(|n| deployment.source_name(n));
    let mut said = String::new();
    let named = eventually(LIMIT, || {
        said = daemon.ready().err().unwrap_or_default();
        said.contains(&format!("{silent_name}: unreachable: "))
            && said.contains(&format!("{refused_name}: authentication_failed: "))
            && said.lines().count() == 2
    });
    assert!(named, "{said}");
    let beside_trouble = latency(&mut flowing, &ends);
    clusters.source.start_again();
    let back = one_event(&mut silent, &ends, FIRST_AFTER_AN_OUTAGE);
    let mut said = String::new();
    let one_left = eventually(LIMIT, || {
        said = daemon.ready().err().unwrap_or_default();
        said.starts_with(&format!("{refused_name}: ")) && said.lines().count() == 1
    });
    assert!(one_left, "{said}");
    daemon.terminate();
    println!(
        "  an event is seen after {alone:?}, beside silence after {beside_silence:?}, beside trouble \
         after {beside_trouble:?}; the silent source's first after {first:?}, after its broker's \
         return {back:?}"
    );
    // Twice as long, and a quarter of a second as a reserve for a busy machine.
    let generous = alone * 2 + Duration::from_millis(250);
    assert!(beside_silence < generous, "{beside_silence:?}");
    assert!(beside_trouble < generous, "{beside_trouble:?}");
    flowing.check_exactly_once(&clusters, &deployment);
    silent.check_exactly_once(&clusters, &deployment);
}
