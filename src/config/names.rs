//! Checks that names do not collide. Consumer groups, topics and transactional ids are derived from the
//! names of groups, sources and sinks. Two sources that shared one of them would fence each other, or
//! use each other's positions.

use super::groups::group_fault;
use super::model::{Config, Source};
use crate::kafka::topics::ownership_topic;
use crate::settings::{Fault, Section};

/// Check the names of the whole configuration.
pub(super) fn check(root: &Section<'_>, config: &Config, faults: &mut Vec<Fault>) {
    if let Some(message) = group_fault(&config.session.group) {
        faults.push(root.fault("group", message));
    }
    let sources = root.section("sources");
    for (index, source) in config.sources.iter().enumerate() {
        for other in &config.sources[..index] {
            if let Some(message) = sources_fault(source, other) {
                faults.push(sources.fault(&source.name, message));
            }
        }
        let ownership = ownership_topic(&source.name);
        let is_output = config.outputs.in_topic(&ownership).is_some();
        if is_output || [&config.positions_topic, &config.triage_topic].contains(&&ownership) {
            let message = format!(
                "`topics` names {ownership}, which is the ownership topic of this source and must \
                 stay empty"
            );
            faults.push(sources.fault(&source.name, message));
        }
    }
}

fn sources_fault(source: &Source, other: &Source) -> Option<String> {
    let name = &other.name;
    if source.cluster.bootstrap == other.cluster.bootstrap && source.topic == other.topic {
        return Some(format!(
            "reads the same topic of the same cluster as `{name}`"
        ));
    }
    // Kafka treats both as the same in topic names, because of its metrics.
    let plain = |name: &str| name.replace('.', "_");
    (plain(&source.name) == plain(name)).then(|| {
        format!(
            "differs from `{name}` only in `.` and `_`, and Kafka refuses two topics whose names differ \
             like that: the topic {} could not be created",
            ownership_topic(&source.name)
        )
    })
}
