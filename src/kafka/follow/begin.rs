//! Where a member begins to read a partition: at its group's position, if the topic is the one in which it
//! was committed; otherwise at what is new in the topic.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::member::Member;
use super::partitions::Followed;
use super::store::StoredPosition;
use super::trail::short_hash;
use super::turn::{Changed, FollowerEvent};
use crate::event::{Offset, Partition};
use crate::kafka::partition_list::with_offsets;
use crate::kafka::record::commit_metadata;
use crate::kafka::span::Span;
use crate::kafka::topic_reader::{ReadError, TopicReader};

/// Longest wait for one answer of the cluster.
pub(super) const QUESTION: Duration = Duration::from_secs(5);

/// Who knows the position of a partition that is begun for the first time.
pub(super) enum Known {
    /// The group.
    ByGroup,
    /// It is kept elsewhere, and was looked up.
    Elsewhere(Option<StoredPosition>),
}

/// Find the position of a partition, or what has become of the partition since it was read, and read from
/// there. `None` while what the partition looks like is not to be believed yet.
pub(super) fn begin(
    member: &Member,
    followed: &mut Followed,
    known: Known,
) -> KafkaResult<Option<FollowerEvent>> {
    let (topic, partition) = (&member.topic, followed.partition);
    let (low, high) = member
        .client
        .fetch_watermarks(topic, partition.0, QUESTION)?;
    if !followed.is_announced() {
        match known {
            Known::ByGroup => followed.restore(committed(member, partition)?, low),
            Known::Elsewhere(stored) => followed.restore_stored(stored, low),
        }
    }
    if followed.may_catch_up(high, Instant::now()) {
        return Ok(None);
    }
    let changed = compare(member, followed, (low, high))?;
    let turn = followed.resume(changed, (low, high));
    if followed.is_first() && !followed.is_announced() {
        // From now on this is the group's position, whenever the first record comes.
        member.commit(partition, followed.next, followed.trail.beside(""), true)?;
    }
    let from = KafkaOffset::Offset(followed.next);
    let list = with_offsets(topic, [(partition, from)])?;
    member.client.incremental_assign(&list)?;
    followed.begin(Instant::now());
    Ok(Some(turn))
}

/// See whether the topic is the one that was read.
fn compare(
    member: &Member,
    followed: &mut Followed,
    (low, high): (i64, i64),
) -> KafkaResult<Option<Changed>> {
    let cluster = member.client.client().fetch_cluster_id(QUESTION);
    let cluster = cluster.filter(|id| id.is_ascii()).unwrap_or_default();
    let known = &followed.trail.cluster;
    let is_other_cluster = !known.is_empty() && !cluster.is_empty() && *known != cluster;
    let mut reader = None;
    let judged = followed.trail.judge((low, high), &mut |offset| {
        let reader = match &mut reader {
            Some(reader) => reader,
            none => none.insert(TopicReader::open(
                &member.cluster,
                &member.group,
                &member.topic,
                QUESTION,
            )?),
        };
        hash_at(reader, followed.partition, Offset(offset))
    });
    let verdict = judged.map_err(|error| {
        tracing::debug!(%error, "compare the topic with what was read");
        KafkaError::MetadataFetch(Code::OperationTimedOut)
    })?;
    followed.trail.cluster = cluster;
    Ok(followed.change(verdict, (low, high), is_other_cluster))
}

/// The group's position and what stands beside it.
fn committed(member: &Member, partition: Partition) -> KafkaResult<Option<(i64, String)>> {
    let list = with_offsets(&member.topic, [(partition, KafkaOffset::Invalid)])?;
    let answer = member.client.committed_offsets(list, QUESTION)?;
    for element in answer.elements() {
        element.error()?;
        if let KafkaOffset::Offset(next) = element.offset() {
            return Ok(Some((next, commit_metadata(&element))));
        }
    }
    Ok(None)
}

/// What stands at an offset, as the trail remembers it; `None` where no record is.
fn hash_at(
    reader: &TopicReader,
    partition: Partition,
    offset: Offset,
) -> Result<Option<u32>, ReadError> {
    let span = Span {
        partition,
        from: offset,
        to: offset.next(),
    };
    let mut found = None;
    reader.read(&[span], &|| false, &mut |record| {
        found = Some(short_hash(record));
        ControlFlow::Break(())
    })?;
    Ok(found)
}
