//! Where a member begins to read: its group's position, if the topic is the one that it was made on; else
//! what is new in the topic.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::trail::{Trail, Verdict};
use super::{Changed, Follower, QUESTION, Turn};
use crate::event::{NextOffset, Offset, Partition};
use crate::kafka::record::commit_metadata;
use crate::kafka::session::{LastRecord, NotReady};
use crate::kafka::span::Span;
use crate::kafka::topic_reader::{ReadError, TopicReader};

/// Pause before a question that was not answered is put again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long the topic may end before what was read of it, until that is believed: a leader that has just
/// been elected can lag behind for a moment.
const PAST_END_PATIENCE: Duration = Duration::from_secs(10);

impl Follower {
    /// Find the position, or what has become of the topic meanwhile, and read from there.
    pub(super) fn begin(&mut self) -> Turn {
        match self.try_begin() {
            Ok(Some(turn)) => {
                self.pending = None;
                self.past_end_since = None;
                self.end_checked = Instant::now();
                self.assigned = true;
                turn
            }
            Ok(None) => {
                self.pending = Some(Instant::now() + ASK_AGAIN);
                Turn::Trouble(NotReady {
                    reason: "positions",
                    remedy: format!(
                        "{} ends before what the sink has read of it; if that stays so, it is \
                         taken for a topic that was cut short or created anew",
                        self.topic
                    ),
                })
            }
            Err(error) => {
                self.pending = Some(Instant::now() + ASK_AGAIN);
                Turn::Trouble(self.unanswered(&error))
            }
        }
    }

    /// `None` while it is not to be believed yet what the topic looks like.
    fn try_begin(&mut self) -> KafkaResult<Option<Turn>> {
        let (low, high) = self.consumer.fetch_watermarks(&self.topic, 0, QUESTION)?;
        let mut note = String::new();
        let mut is_first = false;
        if !self.assigned {
            let committed = self.committed()?;
            is_first = committed.is_none();
            (self.next, note, self.trail) = match committed {
                Some((position, metadata)) => {
                    let (note, trail) = Trail::split(&metadata);
                    (position, note.to_owned(), trail)
                }
                None => (low, String::new(), Trail::default()),
            };
        }
        let ends_early = self.next > high || self.trail.last_offset() >= Some(high);
        if ends_early {
            let since = *self.past_end_since.get_or_insert_with(Instant::now);
            if since.elapsed() < PAST_END_PATIENCE {
                return Ok(None);
            }
        }
        let changed = self.compare(low, high)?;
        let end = NextOffset(high);
        let turn = match (changed, self.assigned) {
            (None, false) => {
                let from = self.next.max(low);
                let expired = u64::try_from(from - self.next).unwrap_or(0);
                if expired > 0 {
                    note.clear();
                }
                self.next = from;
                Turn::Assigned {
                    from: NextOffset(from),
                    note,
                    expired,
                    end,
                    first: is_first,
                    changed,
                }
            }
            (None, true) => {
                let from = self.next.max(low);
                let expired = u64::try_from(from - self.next).unwrap_or(0);
                self.next = from;
                Turn::Resumed { expired }
            }
            (Some(changed), is_ours) => {
                self.trail
                    .cut(if changed.kept { changed.first_new.0 } else { 0 });
                match is_ours {
                    true => {
                        self.next = changed.first_new.0;
                        Turn::Changed { changed, end }
                    }
                    false => {
                        let kept = changed.kept.then_some(self.next.max(low));
                        let first_new = changed.first_new.0;
                        self.next = kept.map_or(first_new, |kept| kept.min(first_new));
                        Turn::Assigned {
                            from: NextOffset(self.next),
                            note,
                            expired: 0,
                            end,
                            first: false,
                            changed: Some(changed),
                        }
                    }
                }
            }
        };
        self.consumer.incremental_assign(&self.list(self.next)?)?;
        if is_first {
            // From here on it is this group's position, whenever the first alert comes.
            self.commit_offset(NextOffset(self.next), "", true)?;
        }
        Ok(Some(turn))
    }

    /// See whether the topic is the one that was read.
    fn compare(&mut self, low: i64, high: i64) -> KafkaResult<Option<Changed>> {
        let cluster = self.consumer.client().fetch_cluster_id(QUESTION);
        let cluster = cluster.filter(|id| id.is_ascii()).unwrap_or_default();
        let other_cluster =
            !self.trail.cluster.is_empty() && !cluster.is_empty() && self.trail.cluster != cluster;
        let mut reader = None;
        let judged = self.trail.judge((low, high), &mut |offset| {
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(TopicReader::open(
                    &self.cluster,
                    &self.group,
                    &self.topic,
                    QUESTION,
                )?),
            };
            hash_at(reader, offset)
        });
        let verdict = judged.map_err(|error| {
            tracing::debug!(%error, "compare the topic with what was read");
            KafkaError::MetadataFetch(Code::OperationTimedOut)
        })?;
        self.trail.cluster = cluster;
        // Without a trail, a position beyond the end is all that is known.
        let past_end = verdict == Verdict::Unknown && self.next > high;
        Ok(match verdict {
            Verdict::CutShort { first_new } => Some(Changed {
                first_new: NextOffset(first_new),
                kept: true,
            }),
            Verdict::Unknown if !(past_end || other_cluster) => None,
            Verdict::ReCreated | Verdict::Unknown => Some(Changed {
                first_new: NextOffset(low),
                kept: false,
            }),
            Verdict::Same => None,
        })
    }

    fn committed(&self) -> KafkaResult<Option<(i64, String)>> {
        let list = self.list_with(KafkaOffset::Invalid)?;
        let answer = self.consumer.committed_offsets(list, QUESTION)?;
        for element in answer.elements() {
            element.error()?;
            if let KafkaOffset::Offset(next) = element.offset() {
                return Ok(Some((next, commit_metadata(&element))));
            }
        }
        Ok(None)
    }
}

/// What stands at an offset, as [`Trail`] remembers it; `None` where no record is.
fn hash_at(reader: &TopicReader, offset: i64) -> Result<Option<u32>, ReadError> {
    let span = Span {
        partition: Partition(0),
        from: Offset(offset),
        to: Offset(offset).next(),
    };
    let mut found = None;
    reader.read(&[span], &|| false, &mut |record| {
        let last = LastRecord::new(
            record.position.offset,
            record.timestamp_ms,
            record.key,
            record.value,
        );
        found = Some(last);
        ControlFlow::Break(())
    })?;
    let found = found.map(|last| last.hash);
    Ok(found.and_then(|hash| u32::from_str_radix(&hash[..8], 16).ok()))
}
