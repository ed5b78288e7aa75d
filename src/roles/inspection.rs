//! What the daemon will need of both clusters, asked before it starts: `validate --connect`.
//! Invariant: everything is asked in one pass, and nothing is changed.

use std::fmt;
use std::time::Duration;

use super::outputs;
use crate::config::{Config, Source};
use crate::kafka::access::{Access, Permission, Seen};
use crate::kafka::acl::{Operation, Resource, Right, commands};
use crate::kafka::session::{Delivery, transactional_id_prefix};
use crate::kafka::topics::{
    Difference, FoundTopic, Topics, WantedTopic, compare, ownership_topic, positions_topic,
};
use crate::kafka::{ClientError, Cluster};
use crate::pipeline::Content;

/// Longest wait for one answer.
const QUESTION: Duration = Duration::from_secs(10);

/// What was found out about one cluster.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The cluster in words: `destination`, or `source` and its name.
    pub name: String,
    /// What is as it should be.
    pub fine: Vec<String>,
    /// What has to be repaired.
    pub problems: Vec<Finding>,
    /// What may stay as it is; somebody should know.
    pub warnings: Vec<Finding>,
    /// Lines of shell that grant what is missing.
    pub commands: Vec<String>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.message, self.remedy)
    }
}

const GRANT: &str = "grant it with the command below";

/// Ask every source's cluster and the destination.
pub fn inspect(config: &Config) -> Vec<Inspection> {
    let sources: Vec<(&Source, Inspected)> = config
        .sources
        .iter()
        .map(|source| (source, source_cluster(source)))
        .collect();
    let destination = destination(config, &sources);
    let mut inspections: Vec<Inspection> = sources
        .into_iter()
        .map(|(source, inspected)| inspected.builder.close(&source.cluster, inspected.id))
        .collect();
    inspections.push(destination);
    inspections
}

/// What is known of a source once it has been asked.
struct Inspected {
    builder: InspectionBuilder,
    id: Option<String>,
    partitions: Option<u32>,
}

fn source_cluster(source: &Source) -> Inspected {
    let mut builder = InspectionBuilder::new(format!("source {}", source.name));
    let (mut id, mut partitions) = (None, None);
    let topic = &source.topic;
    let asked = builder.reach(&source.cluster).map(|(access, found)| {
        id = found;
        (access.topic(topic), access)
    });
    match asked {
        None => {}
        Some((Err(error), _)) => builder.unreachable(&error),
        Some((Ok(Seen::Missing), _)) => builder.problem(
            format!("the topic {topic} does not exist"),
            "correct `topic`, or the bootstrap address: the audit log has a cluster of its own",
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
        }
    }
    Inspected {
        builder,
        id,
        partitions,
    }
}

fn destination(config: &Config, sources: &[(&Source, Inspected)]) -> Inspection {
    let mut builder = InspectionBuilder::new("destination".to_owned());
    let cluster = &config.destination;
    let Some((access, id)) = builder.reach(cluster) else {
        return builder.close(cluster, None);
    };
    let mut visible = None;
    for wanted in outputs::wanted(&config.outputs) {
        if output(&mut builder, config, &access, &wanted) {
            visible = Some(wanted.name);
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
        let there = if same {
            inspected.partitions.is_some()
        } else {
            ownership(&mut builder, &access, &shared, inspected.partitions)
        };
        if there {
            visible = Some(shared);
        }
    }
    positions(&mut builder, config, &access);
    let session = &config.session;
    if let Some(topic) = visible {
        let group = Resource::Group(session.group.clone());
        let attempt = access.join(&session.group, &topic);
        builder.judge(attempt, group, &[Operation::Read]);
    }
    readers(&mut builder, config, &access);
    if session.delivery == Delivery::ExactlyOnce {
        let prefix = transactional_id_prefix(&session.group);
        let attempt = access.transact(&prefix);
        let ids = Resource::TransactionalIds(prefix);
        builder.judge(attempt, ids, &[Operation::Describe, Operation::Write]);
    }
    builder.close(cluster, id)
}

/// The sinks' groups, and what they read.
fn readers(builder: &mut InspectionBuilder, config: &Config, access: &Access<'_>) {
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

/// One output topic; whether it may be seen.
fn output(
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
                    "watchbell topics create, or create_topics: true",
                );
            }
        }
        Ok(Seen::Partitions(_)) => {
            if let Some(found) = described(builder, config, name) {
                settings(builder, access, wanted, &found);
            }
            return true;
        }
    }
    false
}

fn described(builder: &mut InspectionBuilder, config: &Config, name: &str) -> Option<FoundTopic> {
    let found =
        Topics::new(&config.destination, QUESTION).and_then(|topics| topics.describe(&[name]));
    match found {
        Ok(found) => found.into_iter().next(),
        Err(error) => {
            builder.unreachable(&error);
            None
        }
    }
}

/// An output topic as it is: beside what it should be, and whether it may be written. How many
/// partitions it has is its owner's affair, unless one order is needed.
fn settings(
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
                "the settings of {name} may not be read: its largest record is taken to be the \
                 broker's default of 1 MB, and whether it may be written is not tried"
            ),
            Right::new(resource, &[Operation::DescribeConfigs]),
        ),
    }
}

/// The topic that shares a source's partitions; whether it may be seen.
fn ownership(
    builder: &mut InspectionBuilder,
    access: &Access<'_>,
    topic: &str,
    partitions: Option<u32>,
) -> bool {
    let wanted = WantedTopic::new(topic, partitions.unwrap_or(1));
    let needed = [Operation::Read, Operation::Describe];
    let Some(count) = made_by_run(builder, access, &wanted, &needed) else {
        return false;
    };
    if partitions.is_some_and(|wanted| count < wanted) {
        builder.advise(
            format!(
                "the topic {topic} has {count} partitions, fewer than its source; run adds them \
                 where it may"
            ),
            Right::new(Resource::Topic(topic.to_owned()), &[Operation::Alter]),
        );
    }
    true
}

/// The topic that remembers positions when the group is gone.
fn positions(builder: &mut InspectionBuilder, config: &Config, access: &Access<'_>) {
    let wanted = positions_topic(&config.positions_topic);
    let needed = [Operation::Describe, Operation::Read, Operation::Write];
    if made_by_run(builder, access, &wanted, &needed).is_some()
        && let Some(found) = described(builder, config, &wanted.name)
    {
        settings(builder, access, &wanted, &found);
    }
}

/// A topic that `run` makes where it may, and reads; its number of partitions if it is there.
fn made_by_run(
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
                builder.fine.push(format!("topic {name} is made by run"));
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

/// An inspection that is being written.
struct InspectionBuilder {
    inspection: Inspection,
    fine: Vec<String>,
    missing: Vec<Right>,
}

impl InspectionBuilder {
    fn new(name: String) -> InspectionBuilder {
        InspectionBuilder {
            inspection: Inspection {
                name,
                ..Inspection::default()
            },
            fine: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The cluster and its id; `None` where there is no talking to it.
    fn reach<'c>(&mut self, cluster: &'c Cluster) -> Option<(Access<'c>, Option<String>)> {
        let reached = cluster
            .cluster_id(QUESTION)
            .and_then(|id| Ok((Access::new(cluster, QUESTION)?, id)));
        match reached {
            Ok((access, id)) => {
                let name = id.as_deref().unwrap_or("without an id");
                let bootstrap = &cluster.bootstrap;
                self.fine
                    .push(format!("cluster {name} answers at {bootstrap}"));
                Some((access, id))
            }
            Err(error) => {
                self.unreachable(&error);
                None
            }
        }
    }

    fn unreachable(&mut self, error: &ClientError) {
        let remedy = match error {
            // Its text has the remedy.
            ClientError::Login { .. } => "the brokers' addresses are right, the login is not",
            _ => error
                .remedy()
                .unwrap_or("check bootstrap, the network, the brokers, and security.protocol"),
        };
        self.problem(error.to_string(), remedy);
    }

    fn problem(&mut self, message: String, remedy: &str) {
        self.inspection.problems.push(Finding {
            message,
            remedy: remedy.to_owned(),
        });
    }

    /// A right that one can do without.
    fn advise(&mut self, message: String, right: Right) {
        self.inspection.warnings.push(Finding {
            message,
            remedy: GRANT.to_owned(),
        });
        self.missing.push(right);
    }

    fn denied(&mut self, resource: Resource, operations: &[Operation]) {
        let right = Right::new(resource, operations);
        self.problem(format!("missing: {right}"), GRANT);
        self.missing.push(right);
    }

    fn judge(&mut self, attempt: Permission, resource: Resource, operations: &[Operation]) {
        let right = Right::new(resource, operations);
        match attempt {
            Permission::Granted => self.fine.push(right.to_string()),
            Permission::Denied => {
                self.problem(format!("missing: {right}"), GRANT);
                self.missing.push(right);
            }
            Permission::Unknown(detail) => {
                let message = format!("{right}: not found out: {detail}");
                self.problem(message, "try again; then look at the brokers' logs");
            }
        }
    }

    fn close(self, cluster: &Cluster, id: Option<String>) -> Inspection {
        Inspection {
            commands: commands(cluster, id.as_deref(), &self.missing),
            fine: self.fine,
            ..self.inspection
        }
    }
}
