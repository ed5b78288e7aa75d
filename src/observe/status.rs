//! `/status`, an overview as one JSON object: the version, the rules in force, how the last reload of each file
//! ended, of each source its partitions, their positions and lag, and what it waits for, and of the archive what it waits
//! for and what cannot be done at its tables.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::health::Health;
use super::metrics::Reloads;
use super::source::SourceState;
use crate::kafka::session::NotReady;

/// Most problems of a refused reload that are listed.
const MAX_PROBLEMS: usize = 10;

/// The page. `rules` is the number of rules in force, `rules_hash` the hash of their set, and `reloads` how the
/// last reload of the rules and of each file ended. Positions and lag may be a few seconds old.
pub(super) fn status(
    health: &Health,
    (rules_hash, rules): (&str, usize),
    reloads: &Reloads,
) -> Value {
    let reloads: Map<String, Value> = reloads
        .iter()
        .map(|(what, outcome)| ((*what).to_owned(), reload(outcome)))
        .collect();
    let sources = health.sources().iter();
    let sources: Map<String, Value> = sources
        .map(|state| (state.name().to_owned(), source(state)))
        .collect();
    let archives = health.archives().iter();
    let topics: Map<String, Value> = archives
        .map(|state| {
            let waits_for = waits_for(state.not_ready());
            let topic = json!({"ready": waits_for.is_none(), "waits_for": waits_for});
            (state.topic().to_owned(), topic)
        })
        .collect();
    let not_ready = health.ready().err().unwrap_or_default();
    let not_ready: Vec<&str> = not_ready.lines().collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "rules": {"hash": rules_hash, "count": rules},
        "reloads": reloads,
        "live": health.live().is_ok(),
        "ready": not_ready.is_empty(),
        "not_ready": not_ready,
        "sources": sources,
        "archive": {"topics": topics, "care_failures": health.care().problems()},
    })
}

/// What something waits for.
fn waits_for(not_ready: Option<NotReady>) -> Option<Value> {
    not_ready.map(|waits| json!({"reason": waits.reason, "remedy": waits.remedy}))
}

fn reload(outcome: &Result<(), String>) -> Value {
    match outcome {
        Ok(()) => json!({"success": true}),
        Err(problems) => {
            let problems: Vec<&str> = problems.lines().take(MAX_PROBLEMS).collect();
            json!({"success": false, "problems": problems})
        }
    }
}

fn source(state: &Arc<SourceState>) -> Value {
    let waits_for = waits_for(state.not_ready());
    let partitions: Map<String, Value> = state
        .partitions()
        .into_iter()
        .map(|(partition, progress)| {
            let position = progress.position.map(|next| next.0);
            let lag = progress.lag;
            let progress = json!({
                "position": position,
                // Null also where the source's offsets jump.
                "lag_records": lag.and_then(|lag| lag.records),
                "lag_seconds": lag.and_then(|lag| lag.age).map(|age| age.as_secs_f64()),
            });
            (partition.0.to_string(), progress)
        })
        .collect();
    let routes: Map<String, Value> = state
        .routes()
        .into_iter()
        .map(|route| {
            let counts = json!({"records": route.records, "bytes": route.bytes});
            (route.name.to_string(), counts)
        })
        .collect();
    json!({
        "ready": waits_for.is_none(),
        "stopped": state.stopped().is_some(),
        "waits_for": waits_for,
        "seconds_since_last_commit": state.since_commit().map(|since| since.as_secs_f64()),
        "seconds_since_last_poll": state.silence().as_secs_f64(),
        "partitions": partitions,
        "routes": routes,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{NextOffset, Partition};
    use crate::kafka::session::{Lag, SessionObserver};
    use crate::observe::{Metrics, SourceObserver};

    #[test]
    fn the_page_says_what_each_source_owns_and_waits_for() {
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let state = Arc::new(SourceState::new("audit"));
        let observer = SourceObserver::new(state.clone(), metrics);
        observer.assigned(&[Partition(4)]);
        observer.positions(&[(Partition(4), NextOffset(12))].into());
        let page = status(
            &Health::new(vec![state.clone()]),
            ("abc", 10),
            &Reloads::new(),
        );
        assert_eq!(
            page["sources"]["audit"]["partitions"]["4"]["lag_seconds"],
            Value::Null
        );
        observer.lag(
            Partition(4),
            Lag {
                records: None,
                age: Some(Duration::from_millis(1_500)),
            },
        );
        observer.readiness(Some(&NotReady {
            reason: "topic_missing",
            remedy: "create it".into(),
        }));
        let health = Health::new(vec![state]);
        let reloads = [
            (
                "networks",
                Err("n.yaml:1:1: error: no prefix\n  help: write one".to_owned()),
            ),
            ("rules", Ok(())),
        ];
        let page = status(&health, ("abc", 10), &reloads.into());
        assert_eq!(page["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(page["rules"], json!({"hash": "abc", "count": 10}));
        let problems = ["n.yaml:1:1: error: no prefix", "  help: write one"];
        assert_eq!(
            page["reloads"],
            json!({"rules": {"success": true}, "networks": {"success": false, "problems": problems}})
        );
        assert_eq!(page["ready"], false);
        assert_eq!(
            page["not_ready"],
            json!(["audit: topic_missing: create it"])
        );
        let source = &page["sources"]["audit"];
        assert_eq!(source["waits_for"]["reason"], "topic_missing");
        assert_eq!(source["partitions"]["4"]["position"], 12);
        let partition = &source["partitions"]["4"];
        assert_eq!(partition["lag_records"], Value::Null);
        assert_eq!(partition["lag_seconds"], 1.5);
        assert_eq!(source["seconds_since_last_commit"], Value::Null);
        observer.name_routes(&["team".into(), "default".into()]);
        observer.routed("team", 2, 300);
        observer.routed("team", 1, 5);
        let page = status(&health, ("abc", 10), &Reloads::new());
        let none = json!({"records": 0, "bytes": 0});
        assert_eq!(
            page["sources"]["audit"]["routes"],
            json!({"team": {"records": 3, "bytes": 305}, "default": none})
        );
    }
}
