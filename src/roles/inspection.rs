//! `validate --connect`: checks logins, topics and rights on all clusters before the daemon starts.
//! Invariant: one pass finds everything, and nothing is changed.

mod report;

use super::outputs;
use crate::config::{Config, LagGroup, Source};
use crate::kafka::BrokerKind;
use crate::kafka::access::{Access, Permission, Seen};
use crate::kafka::acl::{Operation, Resource, Right};
use crate::kafka::session::{Delivery, transactional_id_prefix};
use crate::kafka::topics::{
    Difference, FoundTopic, Topics, WantedTopic, compare, ownership_topic, positions_topic,
    triage_topic,
};
use crate::pipeline::Content;
pub use report::{Inspection, Issue};
use report::{InspectionBuilder, REQUEST_TIMEOUT};

/// Check the cluster of every source and the destination.
pub fn inspect(config: &Config) -> Vec<Inspection> {
    let sources: Vec<(&Source, InspectedSource)> = config
        .sources
        .iter()
        .map(|source| (source, source_cluster(source)))
        .collect();
    let destination = destination(config, &sources);
    let mut inspections: Vec<Inspection> = sources
        .into_iter()
        .map(|(source, inspected)| {
            let InspectedSource { builder, id, .. } = inspected;
            builder.finish(&source.cluster, source.broker, id)
        })
        .collect();
    inspections.push(destination);
    inspections
}

/// The result for a source, and what the check of the destination needs to know of it.
struct InspectedSource {
    builder: InspectionBuilder,
    id: Option<String>,
    partitions: Option<u32>,
}

fn source_cluster(source: &Source) -> InspectedSource {
    let mut builder = InspectionBuilder::new(format!("source {}", source.name));
    builder.login_remedy = source.broker.login_remedy();
    let (mut id, mut partitions) = (None, None);
    let topic = &source.topic;
    let topic_seen = builder.connect(&source.cluster).map(|(access, found)| {
        id = found;
        (access.topic(topic), access)
    });
    match topic_seen {
        None => {}
        Some((Err(error), _)) => builder.unreachable(&error),
        Some((Ok(Seen::Missing), _)) => builder.problem(
            format!("the topic {topic} does not exist"),
            source.broker.topic_remedy(),
        ),
        Some((Ok(Seen::Denied), _)) => {
            let operations = [Operation::Read, Operation::Describe];
            builder.denied(Resource::Topic(topic.clone()), &operations);
        }
        Some((Ok(Seen::Partitions(count)), access)) => {
            partitions = Some(count);
            builder
                .fine
                .push(format!("topic {topic} has {count} partitions"));
            let resource = Resource::Topic(topic.clone());
            let attempt = access.read(topic, count);
            builder.judge(attempt, resource, &[Operation::Read]);
            if source.broker.offsets_jump() {
                builder.fine.push(
                    "offsets jump there: lag is given in seconds, never as a number of records"
                        .to_owned(),
                );
            }
            if source.broker == BrokerKind::Sls && source.lag_group != LagGroup::None {
                builder.fine.push(
                    "positions are copied to a group there, one of the 30 consumer groups that a \
                     Logstore takes; `lag_group: none` saves it"
                        .to_owned(),
                );
            }
        }
    }
    InspectedSource {
        builder,
        id,
        partitions,
    }
}

fn destination(config: &Config, sources: &[(&Source, InspectedSource)]) -> Inspection {
    let mut builder = InspectionBuilder::new("destination".to_owned());
    let cluster = &config.destination;
    let kind = BrokerKind::of(&cluster.bootstrap);
    let Some((access, id)) = builder.connect(cluster) else {
        return builder.finish(cluster, kind, None);
    };
    let mut visible = None;
    for wanted in outputs::wanted(&config.outputs) {
        if output_topic(&mut builder, config, &access, &wanted) {
            visible = Some(wanted.name);
        }
    }
    if let Some(optional) = outputs::optional(&config.outputs) {
        match access.topic(&optional.name) {
            Ok(Seen::Missing) => builder.fine.push(format!(
                "{} does not exist, so routine events stay in the events topic",
                optional.name
            )),
            _ => {
                output_topic(&mut builder, config, &access, &optional);
            }
        }
    }
    for (source, inspected) in sources {
        let same = match (&inspected.id, &id) {
            (Some(source), Some(destination)) => source == destination,
            _ => source.cluster.bootstrap == cluster.bootstrap,
        };
        let shared = if same {
            source.topic.clone()
        } else {
            ownership_topic(&source.name)
        };
        let is_visible = if same {
            inspected.partitions.is_some()
        } else {
            ownership_topic_check(&mut builder, &access, &shared, inspected.partitions)
        };
        if is_visible {
            visible = Some(shared);
        }
    }
    positions_topic_check(&mut builder, config, &access);
    if config.page.is_some() {
        triage_topic_check(&mut builder, config, &access);
    }
    let session = &config.session;
    if let Some(topic) = visible {
        let group = Resource::Group(session.group.clone());
        let attempt = access.join(&session.group, &topic);
        builder.judge(attempt, group, &[Operation::Read]);
    }
    sinks(&mut builder, config, &access);
    // What people decide on the page is written in transactions, too.
    if session.delivery == Delivery::ExactlyOnce || config.page.is_some() {
        let prefix = transactional_id_prefix(&session.group);
        let attempt = access.transact(&prefix);
        let ids = Resource::TransactionalIds(prefix);
        builder.judge(attempt, ids, &[Operation::Describe, Operation::Write]);
    }
    builder.finish(cluster, kind, id)
}

/// Checks the consumer groups of the sinks, and their right to read the alerts topic.
fn sinks(builder: &mut InspectionBuilder, config: &Config, access: &Access<'_>) {
    let alerts = config.outputs.of(Content::Alerts).topic.to_string();
    let Ok(Seen::Partitions(partitions)) = access.topic(&alerts) else {
        return;
    };
    for sink in &config.sinks {
        let group = config.sink_group(sink);
        let attempt = access.join(&group, &alerts);
        builder.judge(attempt, Resource::Group(group), &[Operation::Read]);
    }
    if !config.sinks.is_empty() {
        let attempt = access.read(&alerts, partitions);
        builder.judge(attempt, Resource::Topic(alerts.clone()), &[Operation::Read]);
    }
}

/// Checks one output topic; returns whether it exists and may be described.
fn output_topic(
    builder: &mut InspectionBuilder,
    config: &Config,
    access: &Access<'_>,
    wanted: &WantedTopic,
) -> bool {
    let name = &wanted.name;
    let resource = Resource::Topic(name.clone());
    let write = [Operation::Describe, Operation::Write];
    match access.topic(name) {
        Err(error) => builder.unreachable(&error),
        Ok(Seen::Denied) => builder.denied(resource, &write),
        Ok(Seen::Missing) => {
            if access.create(wanted) == Permission::Denied {
                builder.denied(resource, &[Operation::Create]);
            }
            if !config.create_topics {
                builder.problem(
                    format!("the topic {name} does not exist"),
                    "run `watchbell topics create`, or set `create_topics: true`",
                );
            }
        }
        Ok(Seen::Partitions(_)) => {
            if let Some(found) = described(builder, config, name) {
                settings_and_write(builder, access, wanted, &found);
            }
            return true;
        }
    }
    false
}

fn described(builder: &mut InspectionBuilder, config: &Config, name: &str) -> Option<FoundTopic> {
    let found = Topics::new(&config.destination, REQUEST_TIMEOUT)
        .and_then(|topics| topics.describe(&[name]));
    match found {
        Ok(found) => found.into_iter().next(),
        Err(error) => {
            builder.unreachable(&error);
            None
        }
    }
}

/// Compares a topic with what it should be, and checks the right to write it. The number of partitions
/// is the user's choice, except for topics that need exactly one.
fn settings_and_write(
    builder: &mut InspectionBuilder,
    access: &Access<'_>,
    wanted: &WantedTopic,
    found: &FoundTopic,
) {
    let name = &wanted.name;
    let resource = Resource::Topic(name.clone());
    for difference in compare(wanted, Some(found)) {
        let matters = match difference {
            Difference::Missing => true,
            Difference::Partitions { .. } => wanted.exact,
            Difference::Setting { ref found, .. } => found.is_some(),
        };
        if matters {
            let message = format!("{name}: {difference}");
            builder.problem(message, "change the topic, or name another one in `topics`");
        }
    }
    match found.max_message_bytes() {
        Some(largest) => {
            let attempt = access.write(name, largest);
            builder.judge(attempt, resource, &[Operation::Describe, Operation::Write]);
        }
        None => builder.advise(
            format!(
                "the settings of {name} may not be read: its largest record is assumed to be the \
                 broker's default of 1 MB, and the right to write it is not checked"
            ),
            Right::new(resource, &[Operation::DescribeConfigs]),
        ),
    }
}

/// Checks the ownership topic of a source; returns whether it exists and may be described.
fn ownership_topic_check(
    builder: &mut InspectionBuilder,
    access: &Access<'_>,
    topic: &str,
    partitions: Option<u32>,
) -> bool {
    let wanted = WantedTopic::new(topic, partitions.unwrap_or(1));
    let needed = [Operation::Read, Operation::Describe];
    let Some(count) = created_by_run(builder, access, &wanted, &needed) else {
        return false;
    };
    if partitions.is_some_and(|wanted| count < wanted) {
        builder.advise(
            format!(
                "the topic {topic} has {count} partitions, fewer than its source; `run` adds the \
                 others if it has the right"
            ),
            Right::new(Resource::Topic(topic.to_owned()), &[Operation::Alter]),
        );
    }
    true
}

/// Checks the topic that keeps the positions in case the consumer group loses them.
fn positions_topic_check(builder: &mut InspectionBuilder, config: &Config, access: &Access<'_>) {
    let wanted = positions_topic(&config.positions_topic);
    let needed = [Operation::Describe, Operation::Read, Operation::Write];
    if created_by_run(builder, access, &wanted, &needed).is_some()
        && let Some(found) = described(builder, config, &wanted.name)
    {
        settings_and_write(builder, access, &wanted, &found);
    }
}

/// Checks the topic with what people decide of alerts, which the page reads and writes.
fn triage_topic_check(builder: &mut InspectionBuilder, config: &Config, access: &Access<'_>) {
    let wanted = triage_topic(&config.triage_topic);
    if !output_topic(builder, config, access, &wanted) {
        return;
    }
    let attempt = access.read(&wanted.name, wanted.partitions);
    builder.judge(attempt, Resource::Topic(wanted.name), &[Operation::Read]);
}

/// Checks a topic that `run` creates if it has the right, and reads; returns its number of partitions if
/// it exists.
fn created_by_run(
    builder: &mut InspectionBuilder,
    access: &Access<'_>,
    wanted: &WantedTopic,
    needed: &[Operation],
) -> Option<u32> {
    let name = &wanted.name;
    let resource = Resource::Topic(name.clone());
    match access.topic(name) {
        Err(error) => builder.unreachable(&error),
        Ok(Seen::Denied) => builder.denied(resource, needed),
        Ok(Seen::Missing) => {
            if access.create(wanted) == Permission::Denied {
                let needed = [&[Operation::Create], needed].concat();
                builder.denied(resource, &needed);
            } else {
                builder
                    .fine
                    .push(format!("topic {name} will be created by `run`"));
            }
        }
        Ok(Seen::Partitions(count)) => {
            let attempt = access.read(name, count);
            builder.judge(attempt, resource, &[Operation::Read]);
            return Some(count);
        }
    }
    None
}
