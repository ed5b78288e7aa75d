//! Lists of a topic's partitions, as the client takes them.

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};

use crate::event::Partition;

/// These partitions of a topic, each with an offset.
pub(super) fn with_offsets(
    topic: &str,
    places: impl IntoIterator<Item = (Partition, KafkaOffset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in places {
        list.add_partition_offset(topic, partition.0, offset)?;
    }
    Ok(list)
}

/// Those of these partitions that are assigned to the consumer now. librdkafka refuses to unassign a
/// list that holds any other.
pub(super) fn assigned_among<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: impl IntoIterator<Item = Partition>,
) -> KafkaResult<TopicPartitionList> {
    let assigned = consumer.assignment()?;
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        if assigned.find_partition(topic, partition.0).is_some() {
            list.add_partition(topic, partition.0);
        }
    }
    Ok(list)
}
