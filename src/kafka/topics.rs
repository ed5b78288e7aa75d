//! The topics watchbell writes: what they should be, what they are, and how missing ones are made.
//! Nothing here changes or deletes an existing topic; partitions are only ever added.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    TopicResult,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::client::{ClientError, Cluster, Quiet, explain};
use super::fault::is_missing;

/// A topic as watchbell wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTopic {
    /// Name on the destination cluster.
    pub name: String,
    /// Partitions when it is created; an existing topic may have more.
    pub partitions: u32,
    /// Whether exactly that many partitions are required (alerts are read in one order).
    pub exact: bool,
    /// Whether an existing topic may have any number of partitions: more would move keys to other ones.
    pub any_if_exists: bool,
    /// Topic settings when it is created; an existing topic is compared with them.
    pub settings: BTreeMap<String, String>,
}

impl WantedTopic {
    /// A topic with the broker's settings.
    pub fn new(name: impl Into<String>, partitions: u32) -> WantedTopic {
        WantedTopic {
            name: name.into(),
            partitions,
            exact: false,
            any_if_exists: false,
            settings: BTreeMap::new(),
        }
    }

    /// The same topic with one setting of its own.
    #[must_use]
    pub fn with(mut self, setting: &str, value: impl Into<String>) -> WantedTopic {
        self.settings.insert(setting.into(), value.into());
        self
    }

    /// The same topic, which may have any number of partitions if it exists.
    #[must_use]
    pub fn any_if_exists(mut self) -> WantedTopic {
        self.any_if_exists = true;
        self
    }

    /// The same topic with exactly this many partitions.
    #[must_use]
    pub fn exactly(mut self) -> WantedTopic {
        self.exact = true;
        self
    }
}

/// The topic in which owning a partition means owning the source's partition of that number.
pub fn ownership_topic(source_name: &str) -> String {
    format!("watchbell.ownership.{source_name}")
}

/// The topic that remembers every deployment's last positions: compacted, so that the last note of
/// each partition stays for ever.
pub fn positions_topic(name: &str) -> WantedTopic {
    WantedTopic::new(name, 1).with("cleanup.policy", "compact")
}

/// The topic with what people have decided of alerts: compacted, so that the last record of each incident stays for ever.
/// With one partition, its records have one order.
pub fn triage_topic(name: &str) -> WantedTopic {
    WantedTopic::new(name, 1)
        .exactly()
        .with("cleanup.policy", "compact")
}

/// A topic as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTopic {
    /// Name on the cluster.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Effective settings, the broker's defaults included; empty where reading them is not allowed.
    pub settings: BTreeMap<String, String>,
}

impl FoundTopic {
    /// The largest record batch the topic accepts, in bytes.
    pub fn max_message_bytes(&self) -> Option<usize> {
        self.settings.get("max.message.bytes")?.parse().ok()
    }

    /// The same, also by the size of a segment, in which every batch must fit.
    pub fn largest_batch_bytes(&self) -> Option<usize> {
        let segment = self.settings.get("segment.bytes");
        let segment = segment.and_then(|bytes| bytes.parse().ok());
        Some(self.max_message_bytes()?.min(segment.unwrap_or(usize::MAX)))
    }

    /// A setting by which the topic refuses records that are sound, as it stands in its settings.
    pub fn refuses_sound_records(&self) -> Option<String> {
        let refusing = |(name, value): &(&String, &String)| {
            // A compacted topic takes no record without a key.
            let compacted = *name == "cleanup.policy" && value.contains("compact");
            let validated = name.ends_with("schema.validation") && *value == "true";
            let validated_by_id = name.contains("schema.id.validation") && *value == "true";
            compacted || validated || validated_by_id
        };
        let found = self.settings.iter().find(refusing);
        found.map(|(name, value)| format!("{name}={value}"))
    }
}

/// How a topic differs from what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It does not exist, or may not be described with these credentials.
    Missing,
    /// The number of partitions differs.
    Partitions {
        /// What was asked for.
        wanted: u32,
        /// What the cluster has.
        found: u32,
    },
    /// A setting differs.
    Setting {
        /// Name of the setting.
        name: String,
        /// What was asked for.
        wanted: String,
        /// What the cluster has; `None` where it may not be read.
        found: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing => f.write_str("does not exist, or may not be described"),
            Difference::Partitions { wanted, found } => {
                write!(f, "{wanted} partitions wanted, {found} found")
            }
            Difference::Setting {
                name,
                wanted,
                found,
            } => {
                let found = found.as_deref().unwrap_or("not readable");
                write!(f, "{name}: {wanted} wanted, {found} found")
            }
        }
    }
}

/// Compare a wanted topic with what the cluster has.
pub fn compare(wanted: &WantedTopic, found: Option<&FoundTopic>) -> Vec<Difference> {
    let Some(found) = found else {
        return vec![Difference::Missing];
    };
    let mut differences = Vec::new();
    let unlike = if wanted.exact {
        found.partitions != wanted.partitions
    } else {
        found.partitions < wanted.partitions && !wanted.any_if_exists
    };
    if unlike {
        differences.push(Difference::Partitions {
            wanted: wanted.partitions,
            found: found.partitions,
        });
    }
    for (name, value) in &wanted.settings {
        let has = found.settings.get(name);
        if has != Some(value) {
            differences.push(Difference::Setting {
                name: name.clone(),
                wanted: value.clone(),
                found: has.cloned(),
            });
        }
    }
    differences
}

/// Lists, describes and creates topics of one cluster. Its calls block: use them from a thread of
/// one's own, never from async code.
pub struct Topics {
    admin: AdminClient<Quiet>,
    probe: BaseConsumer<Quiet>,
    timeout: Duration,
}

impl Topics {
    /// Prepare to ask the cluster; nothing is sent yet. `timeout` bounds each question.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn new(cluster: &Cluster, timeout: Duration) -> Result<Topics, ClientError> {
        let admin = cluster
            .client_config("admin", &[], &[])
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create an admin client", &error))?;
        Ok(Topics {
            admin,
            probe: cluster.probe()?,
            timeout,
        })
    }

    /// How many partitions a topic has; `None` where it does not exist or may not be seen.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn partitions(&self, topic: &str) -> Result<Option<u32>, ClientError> {
        partition_count(&self.probe, topic, self.timeout)
            .map_err(|error| explain(&self.probe, "describe a topic", &error))
    }

    /// Describe the topics that exist among `names`.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn describe(&self, names: &[&str]) -> Result<Vec<FoundTopic>, ClientError> {
        let mut found = Vec::new();
        for name in names {
            if let Some(partitions) = self.partitions(name)? {
                found.push(FoundTopic {
                    name: (*name).to_owned(),
                    partitions,
                    settings: self.settings(name)?,
                });
            }
        }
        Ok(found)
    }

    /// The settings of one topic; empty where these credentials may not read them.
    fn settings(&self, topic: &str) -> Result<BTreeMap<String, String>, ClientError> {
        let specifiers = [ResourceSpecifier::Topic(topic)];
        let options = self.options();
        let answer = wait(self.admin.describe_configs(&specifiers, &options))?;
        let resources = answer.map_err(|error| ClientError::new("describe topics", &error))?;
        let entries = resources.into_iter().filter_map(Result::ok);
        Ok(entries
            .flat_map(|resource| resource.entries)
            .filter_map(|entry| Some((entry.name, entry.value?)))
            .collect())
    }

    /// Create a topic with the broker's default replication; one that exists already is left alone.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn create(&self, wanted: &WantedTopic) -> Result<(), ClientError> {
        let partitions = i32::try_from(wanted.partitions).unwrap_or(i32::MAX);
        // -1 leaves the replication factor to the broker (KIP-464).
        let replication = TopicReplication::Fixed(-1);
        let mut topic = NewTopic::new(&wanted.name, partitions, replication);
        for (name, value) in &wanted.settings {
            topic = topic.set(name, value);
        }
        let options = self.options();
        let answer = wait(self.admin.create_topics([&topic], &options))?;
        accept(
            answer,
            RDKafkaErrorCode::TopicAlreadyExists,
            "create a topic",
        )
    }

    /// Grow a topic to `partitions`.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn grow(&self, topic: &str, partitions: u32) -> Result<(), ClientError> {
        let grown = NewPartitions::new(topic, partitions as usize);
        let options = self.options();
        let answer = wait(self.admin.create_partitions([&grown], &options))?;
        // Another worker may have grown it in the meantime.
        accept(answer, RDKafkaErrorCode::InvalidPartitions, "grow a topic")
    }

    fn options(&self) -> AdminOptions {
        admin_options(self.timeout)
    }
}

/// Options that bound the wait for a request and for the operation that it starts.
pub(super) fn admin_options(timeout: Duration) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(timeout))
        .operation_timeout(Some(timeout))
}

/// How many partitions `topic` has, as `client` sees it.
pub(crate) fn partition_count<C: rdkafka::consumer::ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<u32>, KafkaError> {
    let metadata = match client.fetch_metadata(Some(topic), timeout) {
        Ok(metadata) => metadata,
        Err(error) => {
            return match error.rdkafka_error_code() {
                Some(code) if is_missing(code) => Ok(None),
                _ => Err(error),
            };
        }
    };
    let topic = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(topic.and_then(|topic| {
        let count = topic.partitions().len();
        (topic.error().is_none() && count > 0).then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }))
}

fn accept(
    answer: Result<Vec<TopicResult>, KafkaError>,
    harmless: RDKafkaErrorCode,
    action: &'static str,
) -> Result<(), ClientError> {
    let results = answer.map_err(|error| ClientError::new(action, &error))?;
    for result in results {
        match result {
            Err((_, code)) if code == harmless => {}
            Err((topic, code)) => {
                return Err(ClientError::refused(action, &topic, code));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Wait for librdkafka's answer on this thread.
pub(super) fn wait<F: Future>(answer: F) -> Result<F::Output, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| ClientError::Creation(error.to_string()))?;
    Ok(runtime.block_on(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(partitions: u32, settings: &[(&str, &str)]) -> FoundTopic {
        FoundTopic {
            name: "watchbell.alerts".into(),
            partitions,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }
    }

    #[test]
    fn a_topic_that_is_not_there_is_missing_and_nothing_else() {
        let wanted = WantedTopic::new("watchbell.alerts", 1).with("retention.ms", "1");
        assert_eq!(compare(&wanted, None), [Difference::Missing]);
    }

    #[test]
    fn more_partitions_are_fine_unless_the_number_is_exact() {
        let wanted = WantedTopic::new("watchbell.alerts", 1);
        assert_eq!(compare(&wanted, Some(&found(3, &[]))), []);
        assert_eq!(
            compare(&wanted.exactly(), Some(&found(3, &[]))),
            [Difference::Partitions {
                wanted: 1,
                found: 3
            }]
        );
    }

    #[test]
    fn an_unreadable_setting_is_reported_as_unknown() {
        let wanted = WantedTopic::new("watchbell.alerts", 1).with("cleanup.policy", "delete");
        assert_eq!(
            compare(&wanted, Some(&found(1, &[]))),
            [Difference::Setting {
                name: "cleanup.policy".into(),
                wanted: "delete".into(),
                found: None
            }]
        );
        assert_eq!(
            compare(&wanted, Some(&found(1, &[("cleanup.policy", "delete")]))),
            []
        );
    }

    #[test]
    fn the_largest_record_is_read_from_the_settings() {
        let topic = found(1, &[("max.message.bytes", "1048588")]);
        assert_eq!(topic.max_message_bytes(), Some(1_048_588));
    }

    #[test]
    fn a_batch_must_fit_the_topics_limit_and_a_segment() {
        let with = |settings: &[(&str, &str)]| FoundTopic {
            name: "events".into(),
            partitions: 1,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        let limit = ("max.message.bytes", "1000");
        assert_eq!(with(&[limit]).largest_batch_bytes(), Some(1000));
        let small = ("segment.bytes", "500");
        assert_eq!(with(&[limit, small]).largest_batch_bytes(), Some(500));
        assert_eq!(with(&[]).largest_batch_bytes(), None);
        for (name, value) in [
            ("cleanup.policy", "compact,delete"),
            ("confluent.value.schema.validation", "true"),
            ("redpanda.value.schema.id.validation", "true"),
        ] {
            let said = with(&[limit, (name, value)]).refuses_sound_records();
            assert_eq!(said, Some(format!("{name}={value}")));
        }
        let sound = ("cleanup.policy", "delete");
        assert_eq!(with(&[limit, sound]).refuses_sound_records(), None);
    }
}
