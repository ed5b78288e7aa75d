//! Notes: the last positions of every deployment in a compacted topic of the destination, written in
//! the transactions that commit them. A group forgets its positions (it was deleted, or
//! `offsets.retention.minutes` passed without members); a topic does not. Notes are read only where
//! the group has nothing: they tell lost positions from a first start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;
use serde::{Deserialize, Serialize};

use super::committed_position::{CommittedPosition, CommittedPositions, Evidence};
use super::config::SessionConfig;
use crate::event::{NextOffset, OutputRecord, Partition};
use crate::kafka::ClientError;
use crate::kafka::client::{Quiet, READ_COMMITTED};
use crate::kafka::topics::partition_count;

/// The value of a note; its key is the JSON array of group, source, topic and partition.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    next: i64,
    #[serde(flatten)]
    evidence: Evidence,
}

/// Writes one session's notes.
#[derive(Debug)]
pub(super) struct Notes {
    topic: Arc<str>,
    group: String,
    source: String,
    source_topic: String,
}

impl Notes {
    pub(super) fn new(config: &SessionConfig) -> Notes {
        Notes {
            topic: config.positions_topic.as_str().into(),
            group: config.group.clone(),
            source: config.source_name.clone(),
            source_topic: config.source_topic.clone(),
        }
    }

    /// The record that notes a position.
    pub(super) fn record(
        &self,
        partition: Partition,
        position: &CommittedPosition,
    ) -> OutputRecord {
        let note = Note {
            next: position.next.0,
            evidence: position.evidence.clone(),
        };
        OutputRecord {
            topic: Arc::clone(&self.topic),
            key: Some(self.key(partition).into_bytes()),
            value: serde_json::to_vec(&note).ok(),
            headers: Vec::new(),
        }
    }

    fn key(&self, partition: Partition) -> String {
        serde_json::json!([self.group, self.source, self.source_topic, partition.0]).to_string()
    }

    /// The partition that a key of ours names.
    fn partition(&self, key: &[u8]) -> Option<Partition> {
        let (group, source, topic, partition): (String, String, String, i32) =
            serde_json::from_slice(key).ok()?;
        let ours = group == self.group && source == self.source && topic == self.source_topic;
        ours.then_some(Partition(partition))
    }

    /// The latest notes of this group, source and topic: everything that is committed now. `turned` is
    /// called while it waits.
    ///
    /// # Errors
    /// The topic cannot be read to its end within `timeout`.
    pub(super) fn read(
        &self,
        config: &SessionConfig,
        timeout: Duration,
        turned: impl Fn(),
    ) -> Result<CommittedPositions, ClientError> {
        let failed = |error| ClientError::new("read the noted positions", &error);
        let deadline = Instant::now() + timeout;
        let consumer: BaseConsumer<Quiet> = config
            .destination
            .client_config(
                &format!("notes-{}", config.transactional_id()),
                &[("fetch.wait.max.ms", "20")],
                &[
                    &READ_COMMITTED[..],
                    &[
                        // Never used as a group: nothing is joined and nothing committed.
                        ("group.id", &config.group),
                        ("auto.offset.reset", "error"),
                        ("check.crcs", "true"),
                        ("enable.partition.eof", "true"),
                    ],
                ]
                .concat(),
            )
            .create_with_context(Quiet::default())
            .map_err(failed)?;
        let mut unread = partition_count(&consumer, &self.topic, timeout)
            .map_err(failed)?
            .unwrap_or(0);
        let mut list = TopicPartitionList::new();
        for partition in 0..unread.cast_signed() {
            list.add_partition_offset(&self.topic, partition, KafkaOffset::Beginning)
                .map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        let mut found = BTreeMap::new();
        while unread > 0 {
            turned();
            match consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => self.take(message.key(), message.payload(), &mut found),
                Some(Err(KafkaError::PartitionEOF(_))) => unread -= 1,
                Some(Err(error)) if Instant::now() >= deadline => return Err(failed(error)),
                None if Instant::now() >= deadline => {
                    let code = Code::OperationTimedOut;
                    return Err(failed(KafkaError::MessageConsumption(code)));
                }
                // The client goes on trying by itself.
                Some(Err(_)) | None => {}
            }
        }
        Ok(found)
    }

    /// Take in one note; records that are not ours, or cannot be read, are skipped.
    fn take(&self, key: Option<&[u8]>, value: Option<&[u8]>, found: &mut CommittedPositions) {
        let Some(partition) = key.and_then(|key| self.partition(key)) else {
            return;
        };
        let Some(value) = value else {
            found.remove(&partition);
            return;
        };
        if let Ok(Note { next, evidence }) = serde_json::from_slice(value) {
            let next = NextOffset(next);
            found.insert(partition, CommittedPosition { next, evidence });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Offset;
    use crate::kafka::Cluster;
    use crate::kafka::session::committed_position::LastRecord;

    fn notes(group: &str, source: &str, topic: &str) -> Notes {
        let cluster = Cluster::plaintext("localhost:1");
        let mut config = SessionConfig::new(cluster.clone(), cluster, source, topic);
        config.group = group.into();
        Notes::new(&config)
    }

    fn position(next: i64) -> CommittedPosition {
        let last = LastRecord::new(Offset(next - 1), Some(5), None, Some(b"value"));
        CommittedPosition {
            next: NextOffset(next),
            evidence: Evidence::new(Some("here"), "audit", Some(last)),
        }
    }

    fn taken(by: &Notes, records: &[OutputRecord]) -> CommittedPositions {
        let mut found = CommittedPositions::new();
        for record in records {
            by.take(record.key.as_deref(), record.value.as_deref(), &mut found);
        }
        found
    }

    #[test]
    fn the_latest_note_of_a_partition_counts() {
        let ours = notes("watchbell", "confluent", "audit");
        let records = [
            ours.record(Partition(0), &position(5)),
            ours.record(Partition(1), &position(7)),
            ours.record(Partition(0), &position(9)),
        ];
        let expected =
            CommittedPositions::from([(Partition(0), position(9)), (Partition(1), position(7))]);
        assert_eq!(taken(&ours, &records), expected);
    }

    #[test]
    fn notes_of_another_group_source_or_topic_are_not_ours() {
        let ours = notes("a", "b", "c");
        let others = [
            notes("a\",\"b", "", "c"),
            notes("a", "c", "c"),
            notes("c", "b", "c"),
            notes("a", "b", "d"),
        ];
        let records = others.map(|other| other.record(Partition(0), &position(5)));
        assert!(taken(&ours, &records).is_empty());
    }

    #[test]
    fn a_tombstone_takes_a_note_back_and_strange_records_are_passed_over() {
        let ours = notes("watchbell", "confluent", "audit");
        let mut gone = ours.record(Partition(0), &position(5));
        gone.value = None;
        let mut strange = gone.clone();
        strange.key = Some(b"\xff".to_vec());
        let records = [ours.record(Partition(0), &position(5)), strange.clone()];
        assert_eq!(taken(&ours, &records).len(), 1);
        let records = [ours.record(Partition(0), &position(5)), strange, gone];
        assert!(taken(&ours, &records).is_empty());
    }
}
