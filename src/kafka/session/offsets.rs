//! Positions seen from outside, whether or not a session runs; `moves` changes them, `standing` says
//! whether a session would stop.

mod members;
mod moves;
mod standing;

use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

use super::cluster_facts::{ClusterFacts, look};
use super::committed_position::{CommittedPosition, CommittedPositions, LastRecord};
use super::config::SessionConfig;
use super::notes::Notes;
use super::owner::committed;
use super::source_reader::SourceReader;
use crate::event::{NextOffset, Partition};
use crate::kafka::ClientError;
use crate::kafka::client::Quiet;
use crate::kafka::fault::is_unreadable;
pub use members::Members;
pub use moves::{Move, MoveTarget};
pub use standing::would_stop;

/// Longest wait for one answer of a cluster.
const PATIENCE: Duration = Duration::from_secs(10);

/// Positions could not be read or moved.
#[derive(Debug, thiserror::Error)]
pub enum OffsetsError {
    /// A cluster does not answer, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The clusters are not as they must be; the text says what to repair.
    #[error("{0}")]
    Clusters(String),
    /// The source is being read.
    #[error(
        "{members} members of the group {group} read this source: stop watchbell first; positions can \
         only be moved while nobody reads from them"
    )]
    Running {
        /// The ownership group.
        group: String,
        /// How many of its members read the source.
        members: usize,
    },
    /// Somebody began to read while positions were moved.
    #[error(
        "somebody began to read this source while its positions were moved: stop watchbell, look with \
         watchbell offsets show, and move them once more"
    )]
    Joined,
    /// The source has no such partition.
    #[error("the source has no partition {}, only {count} partitions", .partition.0)]
    NoPartition {
        /// What was asked for.
        partition: Partition,
        /// How many there are.
        count: u32,
    },
    /// The offset is not in the partition.
    #[error(
        "offset {} of partition {} does not exist: the partition has {} to {}",
        .to.0, .partition.0, .oldest.0, .end.0
    )]
    OutOfRange {
        /// The partition.
        partition: Partition,
        /// What was asked for.
        to: NextOffset,
        /// The oldest record there is.
        oldest: NextOffset,
        /// The end.
        end: NextOffset,
    },
    /// No position was ever noted.
    #[error("no position of partition {} was ever noted", .0.0)]
    NotNoted(Partition),
}

/// Whether something is still what it was when the position was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// It is.
    Yes,
    /// It is not: the position belongs to another topic.
    No,
    /// It cannot be told: nothing was written down, or the record is gone.
    Unknown,
}

/// What is known of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPosition {
    /// Partition of the source.
    pub partition: Partition,
    /// The committed position.
    pub position: Option<NextOffset>,
    /// The position last noted outside the group.
    pub noted: Option<NextOffset>,
    /// The oldest record there is.
    pub oldest: NextOffset,
    /// The end of what is committed in the source.
    pub end: NextOffset,
    /// Timestamp of the record at the position, in ms since the Unix epoch.
    pub time_ms: Option<i64>,
    /// Timestamp of the last record before the position that was read, in ms since the Unix epoch.
    pub last_read_ms: Option<i64>,
    /// Whether the position was made on this cluster and topic.
    pub source: Same,
    /// Whether the last record before the position is the one that was consumed.
    pub last: Same,
    /// Whether the distance between two offsets says nothing about the number of records.
    pub offsets_jump: bool,
}

impl SeenPosition {
    /// Offsets from the position to the end; negative if it lies past the end.
    pub fn distance(&self) -> Option<i64> {
        self.position.map(|position| self.end.0 - position.0)
    }

    /// How long the record at the position has been waiting, by its timestamp; zero if there is no such record. `None`
    /// without a position.
    pub fn waiting(&self, now_ms: i64) -> Option<Duration> {
        self.position?;
        let waited_ms = self
            .time_ms
            .map_or(0, |time_ms| now_ms.saturating_sub(time_ms));
        Some(Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0)))
    }
}

/// The positions of one source. Its calls block: use them from a thread of one's own.
pub struct Offsets {
    config: SessionConfig,
    facts: ClusterFacts,
    reader: SourceReader,
    group: BaseConsumer<Quiet>,
}

impl Offsets {
    /// Look at both clusters; nothing is changed.
    ///
    /// # Errors
    /// A cluster does not answer, or the source does not exist.
    pub fn open(config: &SessionConfig) -> Result<Offsets, OffsetsError> {
        let reader = SourceReader::to_the_end(config)?;
        let facts =
            look(config, &reader).map_err(|trouble| OffsetsError::Clusters(trouble.remedy))?;
        let group = config
            .destination
            .client_config(
                "offsets",
                &[],
                &[
                    ("group.id", &config.group),
                    ("enable.auto.commit", "false"),
                    ("isolation.level", "read_committed"),
                    ("allow.auto.create.topics", "false"),
                ],
            )
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create a client for positions", &error))?;
        Ok(Offsets {
            config: config.clone(),
            facts,
            reader,
            group,
        })
    }

    /// The partitions of the source.
    pub fn partitions(&self) -> Vec<Partition> {
        let count = self.facts.source_partitions.cast_signed();
        (0..count).map(Partition).collect()
    }

    /// Where every partition stands.
    ///
    /// # Errors
    /// A cluster does not answer.
    pub fn show(&self) -> Result<Vec<SeenPosition>, OffsetsError> {
        let partitions = self.partitions();
        let mut committed = self.committed(&partitions)?;
        let noted = self.noted()?;
        let look = |partition: Partition| {
            let position = committed.remove(&partition);
            let noted = noted.get(&partition).map(|position| position.next);
            self.look_at(partition, position, noted)
        };
        partitions.into_iter().map(look).collect()
    }

    fn look_at(
        &self,
        partition: Partition,
        position: Option<CommittedPosition>,
        noted: Option<NextOffset>,
    ) -> Result<SeenPosition, OffsetsError> {
        let (oldest, end) = self.bounds(partition)?;
        let mut seen = SeenPosition {
            partition,
            position: position.as_ref().map(|position| position.next),
            noted,
            oldest,
            end,
            time_ms: None,
            last_read_ms: None,
            source: Same::Unknown,
            last: Same::Unknown,
            offsets_jump: self.config.broker.offsets_jump(),
        };
        let Some(CommittedPosition { next, evidence }) = position else {
            return Ok(seen);
        };
        seen.last_read_ms = evidence.last.as_ref().and_then(|last| last.time_ms);
        seen.source = match evidence.is_of(&self.facts.source) {
            Some(same) => self::same(same),
            None => Same::Unknown,
        };
        let last = evidence.last.filter(|last| last.offset >= oldest.0);
        let from = last.as_ref().map_or(next.0, |last| last.offset);
        if from < oldest.0 || from >= end.0 {
            return Ok(seen);
        }
        self.scan(partition, NextOffset(from), end, |record| {
            if let Some(last) = &last
                && record.offset == last.offset
            {
                seen.last = same(record.hash == last.hash);
            }
            if record.offset < next.0 {
                return true;
            }
            seen.time_ms = record.time_ms;
            false
        })?;
        Ok(seen)
    }

    fn committed(&self, of: &[Partition]) -> Result<CommittedPositions, ClientError> {
        committed(&self.group, &self.facts.ownership_topic, of, PATIENCE)
            .map_err(|error| ClientError::new("read the group's positions", &error))
    }

    fn noted(&self) -> Result<CommittedPositions, ClientError> {
        Notes::new(&self.config).read(&self.config, PATIENCE, || {})
    }

    fn bounds(&self, partition: Partition) -> Result<(NextOffset, NextOffset), ClientError> {
        self.reader
            .bounds(partition, PATIENCE)
            .map_err(|error| ClientError::new("ask for the partition's ends", &error))
    }

    /// Look at the records of a partition from `from` on, for as long as `wanted` says so and there
    /// are some before `end`.
    fn scan(
        &self,
        partition: Partition,
        from: NextOffset,
        end: NextOffset,
        mut wanted: impl FnMut(LastRecord) -> bool,
    ) -> Result<(), ClientError> {
        if from >= end {
            return Ok(());
        }
        let failed = |error: KafkaError| ClientError::new("read the source", &error);
        self.reader
            .read_from(&[(partition, from)])
            .map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        let result = loop {
            match self.reader.poll(Duration::from_millis(100)) {
                Some(Ok(fetched)) if fetched.partition() != partition => {}
                Some(Ok(fetched)) => {
                    let more = wanted(fetched.last_record());
                    if !more || fetched.offset().next() >= end {
                        break Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(of))) if of == partition.0 => break Ok(()),
                // A damaged record tells nothing, and must not keep anybody from stepping over it.
                Some(Err(error)) if is_unreadable(&error) => break Ok(()),
                Some(Err(error)) if Instant::now() >= deadline => break Err(failed(error)),
                None if Instant::now() >= deadline => break Ok(()),
                // The client goes on trying by itself.
                Some(Err(_)) | None => {}
            }
        };
        self.reader.stop(&[partition]).map_err(failed)?;
        result
    }
}

fn same(holds: bool) -> Same {
    if holds { Same::Yes } else { Same::No }
}
