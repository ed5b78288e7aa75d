//! One member of a consumer group on a topic: reads the partitions that it is given, each in order,
//! and commits when it is told to, with a note beside the position. Committed records only.
//! Invariant: nothing of a partition is read before the group's position is known and the topic is seen to
//! be the one in which it was committed, and nothing is committed by a member that lost the partition.

mod begin;
mod member;
mod partitions;
mod repair;
mod store;
mod trail;
mod turn;

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::client::{ClientError, Cluster};
use super::fault::{ReadingFault, is_missing, reading_fault};
use super::partition_list::assigned_among;
use super::rebalance::{Rebalance, assign_nothing, unassign};
use super::record::raw_record;
use super::session::NotReady;
use crate::event::{NextOffset, Partition, RawRecord};
use begin::{Known, QUESTION, begin};
use member::Member;
use partitions::{Followed, Partitions};
pub use store::{PositionStore, StoredPosition};
use trail::short_hash;
pub use turn::{Assigned, Changed, FollowerEvent, Partitioning};

/// A member of a group, and what it knows of its partitions.
pub struct Follower {
    member: Member,
    partitions: Partitions,
    store: Option<Box<dyn PositionStore>>,
}

impl Follower {
    /// Join `group`; the partitions arrive as [`FollowerEvent::Assigned`]. A partition without a position begins with
    /// its oldest record.
    ///
    /// # Errors
    /// librdkafka refuses the properties.
    pub fn join(
        cluster: &Cluster,
        topic: &str,
        group: &str,
        partitioning: Partitioning,
    ) -> Result<Follower, ClientError> {
        Ok(Follower {
            member: Member::join(cluster, topic, group)?,
            partitions: Partitions::new(partitioning, Instant::now()),
            store: None,
        })
    }

    /// The same with positions that are kept elsewhere.
    pub fn with_positions(self, store: Box<dyn PositionStore>) -> Follower {
        Follower {
            store: Some(store),
            ..self
        }
    }

    /// Begin all partitions anew at their positions, each with another [`FollowerEvent::Assigned`]. What was read and
    /// not committed comes again.
    pub fn begin_again(&mut self) {
        let owned = self.partitions.owned();
        self.stop(&owned);
        self.partitions.own(&owned, Instant::now());
    }

    /// Serve the group for at most `wait`; a record is handed to `take`, with a hash of it.
    pub fn turn(
        &mut self,
        wait: Duration,
        take: &mut dyn FnMut(RawRecord<'_>, u32),
    ) -> FollowerEvent {
        if let Some(rebalance) = self.member.client.context().next() {
            return self.rebalanced(rebalance);
        }
        if let Some(turn) = self.begin_next() {
            return turn;
        }
        self.check_an_end();
        let Follower {
            member, partitions, ..
        } = self;
        match member.client.poll(wait) {
            None => FollowerEvent::Idle,
            Some(Ok(message)) => {
                let record = raw_record(&message, &member.topic);
                // What was fetched before the partition was revoked, or looked into, is not ours.
                let Some(followed) = partitions.read_now(record.position.partition) else {
                    return FollowerEvent::Idle;
                };
                let hash = short_hash(&record);
                followed.read(record.position.offset, hash);
                take(record, hash);
                FollowerEvent::Record
            }
            Some(Err(error)) => self.failed(&error),
        }
    }

    fn rebalanced(&mut self, rebalance: Rebalance) -> FollowerEvent {
        match rebalance {
            Rebalance::Revoke { partitions, .. } => {
                let told = self.partitions.disown(&partitions);
                self.stop(&partitions);
                match told.is_empty() {
                    true => FollowerEvent::Idle,
                    false => FollowerEvent::Revoked(told),
                }
            }
            Rebalance::Assign(partitions) => {
                // The group does not wait until their positions are found.
                if let Err(error) = assign_nothing(&self.member.client) {
                    return self.member.trouble(&error);
                }
                self.partitions.own(&partitions, Instant::now());
                if self.partitions.is_empty() {
                    return FollowerEvent::Spare;
                }
                if self.partitions.are_too_many() {
                    return FollowerEvent::Trouble(NotReady {
                        reason: "partitions",
                        remedy: format!(
                            "{} must have exactly one partition: its records are read in one order",
                            self.member.topic
                        ),
                    });
                }
                self.begin_next().unwrap_or(FollowerEvent::Idle)
            }
        }
    }

    /// Begin to read a partition that is not read, if there is one whose turn it is.
    fn begin_next(&mut self) -> Option<FollowerEvent> {
        let followed = self.partitions.next_to_begin(Instant::now())?;
        let partition = followed.partition;
        let known = match &mut self.store {
            None => Ok(Known::ByGroup),
            Some(_) if followed.is_announced() => Ok(Known::ByGroup),
            Some(store) => store.position(partition).map(Known::Elsewhere),
        };
        let begun = known.map(|known| begin(&self.member, followed, known));
        let trouble = match begun {
            Err(remedy) => NotReady {
                reason: "positions",
                remedy,
            },
            Ok(begun) => match begun {
                Ok(Some(turn)) => return Some(turn),
                Ok(None) => NotReady {
                    reason: "positions",
                    remedy: format!(
                        "partition {} of {} ends before what the group {} has read of it; if that stays so, \
                     the topic is taken for one that was cut short or created anew",
                        partition.0, self.member.topic, self.member.group
                    ),
                },
                Err(error) => self.member.unanswered(&error),
            },
        };
        self.partitions.unanswered(Instant::now());
        Some(FollowerEvent::Trouble(trouble))
    }

    /// What an error of the client means. One that says that the topic or a position is not there is
    /// looked into before anything more is read: the client does not say which partition it is about.
    fn failed(&mut self, error: &KafkaError) -> FollowerEvent {
        let moved = |code| reading_fault(code) == ReadingFault::Position || is_missing(code);
        if error.rdkafka_error_code().is_some_and(moved) {
            self.doubt(|_| true);
        }
        self.member.trouble(error)
    }

    /// Read nothing more of these partitions until it is known what has become of them. They stay ours.
    fn doubt(&mut self, of: impl Fn(&Followed) -> bool) {
        let doubted = self.partitions.doubt(of, Instant::now());
        if !doubted.is_empty() {
            self.stop(&doubted);
        }
    }

    /// A partition that ends before what was read of it was cut short, or its topic was created anew.
    fn check_an_end(&mut self) {
        let Some((partition, last)) = self.partitions.due_end_check(Instant::now()) else {
            return;
        };
        let Member { client, topic, .. } = &self.member;
        match client.fetch_watermarks(topic, partition.0, QUESTION) {
            Ok((_, high)) if last >= high => self.doubt(|of| of.partition == partition),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "ask for the end"),
        }
    }

    fn stop(&self, partitions: &[Partition]) {
        let Member { client, topic, .. } = &self.member;
        if let Err(error) = unassign(client, topic, partitions.iter().copied()) {
            tracing::debug!(%error, "stop reading");
        }
    }

    /// Pause or resume reading; the group is served in either case.
    pub fn pause(&mut self, paused: bool) {
        let partitions = self.partitions.to_pause(paused);
        if partitions.is_empty() {
            return;
        }
        let Member { client, topic, .. } = &self.member;
        let change = |list: TopicPartitionList| match paused {
            true => client.pause(&list),
            false => client.resume(&list),
        };
        match assigned_among(client, topic, partitions).and_then(change) {
            Ok(()) => self.partitions.set_paused(paused),
            Err(error) => tracing::debug!(%error, "pause or resume"),
        }
    }

    /// Commit the position of a partition, with an ASCII note of at most 3,400 bytes: the trail needs up to
    /// 600 more. With `wait` until the answer. Nothing is committed for a partition that is not ours any
    /// more.
    ///
    /// # Errors
    /// The cluster refuses, or without `wait` the request cannot be made.
    pub fn commit(
        &self,
        partition: Partition,
        next: NextOffset,
        note: &str,
        wait: bool,
    ) -> Result<(), ClientError> {
        let Some(followed) = self.partitions.get(partition) else {
            return Ok(());
        };
        let metadata = followed.trail.beside(note);
        let committed = self.member.commit(partition, next.0, metadata, wait);
        committed.map_err(|error| ClientError::new("commit a position", &error))
    }
}
