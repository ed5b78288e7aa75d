//! A source that stops does not stop others; one alert reports it, and after the repair it continues without a
//! restart, while the other sources are read.

use std::collections::BTreeSet;

use serde_json::Value;
use watchbell::alert::{self, SOURCE_STOPPED, SourceAlert, Stopped};
use watchbell::config::from_parts;
use watchbell::kafka::session::Shutdown;
use watchbell::observe::Metrics;
use watchbell::pipeline::{Content, OutputList, Pipeline};
use watchbell::roles::outbox::{Outbox, OutboxConfig};
use watchbell::roles::rulebook::Rulebook;

use super::admin::re_create;
use super::broker::{Broker, Clusters, clusters, turn};
use super::daemon::{Daemon, Deployment, watchbell};
use super::records::{Source, create, read_committed};
use super::stub::{Stub, ok};
use super::{LIMIT, eventually};

/// The alerts about stops that are in the topic.
fn raised(clusters: &Clusters, deployment: &Deployment) -> Vec<Value> {
    let alerts = read_committed(&clusters.destination, &deployment.alerts);
    let alerts = alerts.iter().map(|read| {
        let value = read.value.as_deref().expect("a value");
        serde_json::from_slice::<Value>(value).expect("JSON")
    });
    let of_rule = |alert: &Value| alert["finding_info"]["analytic"]["uid"] == SOURCE_STOPPED.id;
    alerts.filter(of_rule).collect()
}

fn stopped(source: &str) -> String {
    format!("watchbell_stopped{{kind=\"source\",name=\"{source}\"}}")
}

/// Wait until all of these daemons have stopped reading the source.
fn wait_until_stopped(daemons: &[&Daemon], source: &str) {
    let metric = stopped(source);
    let all = eventually(LIMIT, || {
        let mut daemons = daemons.iter();
        daemons.all(|daemon| daemon.metric(&metric) == 1)
    });
    assert!(all, "{source} goes on");
}

#[test]
fn a_re_created_source_stops_alone_raises_an_alert_and_continues_once_its_positions_are_moved() {
    let clusters = clusters();
    let stub = Stub::start(|_| ok());
    let mut deployment = Deployment::new(&clusters, "stopped");
    let one = deployment.source(&clusters.source, "one");
    let mut two = deployment.source(&clusters.source, "two");
    deployment.settings += &format!(
        "notify:\n  oncall: {{type: webhook, url: \"{}\", min_level: critical}}\n",
        stub.url()
    );
    let (topic, source) = (one.topic.clone(), one.source().to_owned());
    let mut plain = Source::new(&clusters.source, &topic, 4);
    plain.write(400);
    plain.flush();
    let daemons = [deployment.start(0), deployment.start(1)];
    let positions = |written: &[u64]| {
        let written: Vec<i64> = written.iter().map(|n| *n as i64).collect();
        let group = &deployment.group;
        eventually(LIMIT, || {
            super::records::committed(&clusters.destination, group, &one.positions, 4) == written
        })
    };
    assert!(positions(&plain.written), "the first records");

    re_create(&clusters.source, &topic, 4);
    let [first, second] = &daemons;
    wait_until_stopped(&[first, second], &source);
    // The others go on, and whoever asks is told what to do.
    two.write(400);
    two.flush();
    deployment.wait_for(&clusters, &two, LIMIT);
    for daemon in [first, second] {
        let (said, live) = (daemon.ready().expect_err("stopped"), daemon.page("/livez"));
        for words in [&source, "past_end", "offsets set", "no restart"] {
            assert!(said.contains(words), "{words} in {said}");
        }
        assert!(!said.contains(two.source()), "{said}");
        assert_eq!(live.map(|(status, _)| status), Some(200));
        let status = daemon.page("/status").expect("an answer").1;
        let status: Value = serde_json::from_str(&status).expect("JSON");
        assert_eq!(status["sources"][&source]["stopped"], true, "{status}");
        let counted = format!(
            "watchbell_stops_total{{kind=\"source\",name=\"{source}\",reason=\"past_end\"}}"
        );
        assert!(daemon.metric(&counted) > 0);
    }
    let told = eventually(LIMIT, || {
        let accepted = stub.accepted();
        let mut alerts = accepted
            .iter()
            .map(|told| told.json()["data"]["alert"].clone());
        alerts.any(|alert| alert["rule_id"] == SOURCE_STOPPED.id)
    });
    assert!(told, "nobody is told: {}", first.log());

    // One is asked to end meanwhile, and says how it was.
    first.signal("TERM");
    let [first, second] = daemons;
    let (status, log) = first.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("had stopped: past_end"), "{log}");

    // Somebody decides, while the other source is read.
    let configuration = deployment.file("watchbell.yaml").display().to_string();
    let mut set = vec![
        "offsets", "set", "--source", &source, "--all", "--to", "earliest",
    ];
    set.extend(["--execute", "-c", &configuration]);
    let moved = watchbell(&set);
    assert!(moved.status.success(), "{moved:?}");
    let mut plain = Source::new(&clusters.source, &topic, 4);
    plain.write(800);
    plain.flush();
    assert!(positions(&plain.written), "it does not go on");
    second.wait_until_ready();
    assert_eq!(second.metric(&stopped(&source)), 0);

    // While it is read its positions are not moved.
    let refused = watchbell(&set);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("read this source"), "{said}");
    second.terminate();
    let alerts = raised(&clusters, &deployment);
    let texts = |of: &dyn Fn(&Value) -> Value| -> BTreeSet<String> {
        alerts.iter().map(|alert| of(alert).to_string()).collect()
    };
    let groups = texts(&|alert| alert["metadata"]["correlation_uid"].clone());
    assert_eq!(groups.len(), 1, "{alerts:?}");
    assert!(alerts.len() <= 4, "a stop is told of once: {alerts:?}");
    assert_eq!(alerts[0]["severity"], "Critical");
    assert!(
        alerts[0]["unmapped"]["why"]
            .to_string()
            .contains("past its end"),
        "{alerts:?}"
    );
    two.check_exactly_once(&clusters, &deployment);
}

#[test]
fn a_source_with_refused_settings_does_not_stop_other_sources() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "refused");
    let mut sound = deployment.source(&clusters.source, "sound");
    let bootstrap = clusters.source.bootstrap();
    let settings =
        |kafka: &str| format!("bootstrap: \"{bootstrap}\", topic: x, kafka: {{{kafka}}}");
    deployment.name_source("refused", &settings("fetch.wait.max.ms: many"));
    deployment.name_source("away", "bootstrap: \"127.0.0.1:1\"");
    let daemon = deployment.start(0);
    sound.write(400);
    sound.flush();
    deployment.wait_for(&clusters, &sound, LIMIT);
    let refused = deployment.source_name("refused");
    wait_until_stopped(&[&daemon], &refused);
    // The metric is there a moment before the probe.
    let mut said = String::new();
    let named = eventually(LIMIT, || {
        said = daemon.ready().expect_err("two are not read");
        said.contains(&format!("{refused}: client: "))
            && said.contains(&deployment.source_name("away"))
    });
    assert!(named, "{said}");
    let written = eventually(LIMIT, || raised(&clusters, &deployment).len() == 1);
    assert!(written, "{}", daemon.log());
    daemon.signal("TERM");
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    sound.check_exactly_once(&clusters, &deployment);
}

#[test]
fn an_alert_about_a_stop_waits_for_a_destination_that_is_down_and_is_written_once() {
    let _turn = turn();
    let mut broker = Broker::start();
    let topic = "watchbell.alerts";
    create(&broker, topic, 1);
    let text = format!(
        "sources: {{one: {{bootstrap: x:1}}}}\ndestination: {{bootstrap: \"{}\"}}\n",
        broker.bootstrap()
    );
    let loaded = from_parts(Some(("watchbell.yaml", &text)), &[]).expect("a configuration");
    let rulebook = Rulebook::load(&loaded.config).expect("rules");
    let outputs = OutputList::new(|content| match content {
        Content::Alerts => topic.to_owned(),
        _ => format!("watchbell.{}", content.name()),
    });
    let (catalogs, rules) = (rulebook.catalogs(), rulebook.rules());
    let pipeline = Pipeline::new(outputs, catalogs, rules, rulebook.lookups());
    let config = OutboxConfig {
        cluster: broker.cluster(),
        max_bytes: 1_000_000,
    };
    let outbox = Outbox::new(config, pipeline);
    let (shutdown, metrics) = (Shutdown::default(), Metrics::new().expect("metrics"));
    let source = alert::Source {
        name: "one",
        topic: "audit",
    };
    let stopped = Stopped {
        reason: "past_end",
        why: "look there",
        identity: "3@100",
    };
    broker.stop();
    std::thread::scope(|scope| {
        outbox.put(&SourceAlert::source_stopped(source, stopped));
        let running = scope.spawn(|| outbox.run(&shutdown, &metrics));
        broker.start_again();
        let written = || read_committed(&broker, topic).len();
        let is_there = eventually(LIMIT, || written() > 0);
        shutdown.request();
        running.join().expect("no panic").expect("a producer");
        assert!(is_there, "the alert is not written");
        assert_eq!(written(), 1);
    });
}
