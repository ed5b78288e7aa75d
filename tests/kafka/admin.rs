//! Administrative operations on topics and groups: expiring records, re-creating and growing topics,
//! deleting groups.

use std::future::Future;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use watchbell::kafka::topics::Topics;

use super::broker::Broker;
use super::records::create;
use super::{LIMIT, eventually};

fn admin(broker: &Broker) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .create()
        .expect("an admin client")
}

fn wait<F: Future>(answer: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(answer)
}

/// Let the records before these offsets expire, partition by partition.
pub fn expire(broker: &Broker, topic: &str, before: &[i64]) {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in before.iter().enumerate() {
        list.add_partition_offset(topic, partition as i32, Offset::Offset(*offset))
            .expect("a list");
    }
    let admin = admin(broker);
    let answer = wait(admin.delete_records(&list, &AdminOptions::new()));
    answer.expect("records are deleted");
}

/// Delete a topic and create it again, empty.
pub fn re_create(broker: &Broker, topic: &str, partitions: u32) {
    delete(broker, topic);
    create(broker, topic, partitions);
}

/// Delete a topic.
pub fn delete(broker: &Broker, topic: &str) {
    let admin = admin(broker);
    let answer = wait(admin.delete_topics(&[topic], &AdminOptions::new()));
    answer.expect("an answer")[0].as_ref().expect("deleted");
    let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
    let gone = eventually(LIMIT, || matches!(topics.partitions(topic), Ok(None)));
    assert!(gone, "topic {topic} is still there");
}

/// Give a topic more partitions.
pub fn grow(broker: &Broker, topic: &str, partitions: u32) {
    let topics = Topics::new(&broker.cluster(), LIMIT).expect("an admin client");
    topics.grow(topic, partitions).expect("grown");
}

/// Delete a consumer group with all its positions.
pub fn delete_group(broker: &Broker, group: &str) {
    let admin = admin(broker);
    let deleted = eventually(LIMIT, || {
        let answer = wait(admin.delete_groups(&[group], &AdminOptions::new()));
        // The last member may not have left yet.
        answer.expect("an answer")[0].is_ok()
    });
    assert!(deleted, "group {group} cannot be deleted");
}
