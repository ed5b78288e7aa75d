//! Names that must not meet. Groups, topics and transactional ids are made of the names that people
//! give to groups, sources and sinks: two deployments, sources or sinks that came to one of them would
//! fence each other, or take each other's positions for their own.

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
        if is_output || config.positions_topic == ownership {
            let message = format!(
                "its partitions are shared by the topic {ownership}, which must \
                                   stay empty, and `topics` names it"
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
    // To Kafka they are one in the name of a topic.
    let plain = |name: &str| name.replace('.', "_");
    (plain(&source.name) == plain(name)).then(|| {
        format!(
            "differs from `{name}` in `.` and `_` alone, and Kafka refuses two topics that do: the \
             topic {} could not be created",
            ownership_topic(&source.name)
        )
    })
}
