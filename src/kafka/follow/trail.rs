//! Which records were read, as evidence that a topic is still the one that they were read from; pure.
//! Many of the last are remembered; with a position go the very last ones, and before them fewer and
//! fewer, so that it can be told how much of a topic that was cut short is still the same.

use std::collections::VecDeque;
use std::hash::Hasher;

use twox_hash::XxHash64;

use crate::event::RawRecord;

/// Most records remembered.
const MAX_POINTS: usize = 4_096;

/// So many of the last are written down without a gap.
const WITHOUT_GAP: usize = 8;

/// Most records written down: with their offsets they take at most 20 bytes each.
const MAX_WRITTEN: usize = 40;

/// Before the cluster's id, between the note and the trail.
const MARK: &str = " @";

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    offset: i64,
    hash: u32,
}

/// The hash of a record in a trail: 32 bits of the XXH64 of its timestamp, key and value are enough to see that it is another
/// record, and every record that is read is hashed.
pub(super) fn short_hash(record: &RawRecord<'_>) -> u32 {
    let mut hash = XxHash64::with_seed(0);
    hash.write(&record.timestamp_ms.unwrap_or(-1).to_be_bytes());
    for part in [record.key, record.value] {
        // The length keeps null, empty, and neighboring parts apart.
        let length = part.map_or(-1, |part| i64::try_from(part.len()).unwrap_or(i64::MAX));
        hash.write(&length.to_be_bytes());
        hash.write(part.unwrap_or_default());
    }
    u32::try_from(hash.finish() & u64::from(u32::MAX)).unwrap_or_default()
}

/// What was read of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// The cluster's id; empty where nobody knows it.
    pub(super) cluster: String,
    /// The oldest first.
    points: VecDeque<Point>,
}

/// What the topic is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The last record that was read is still there.
    Same,
    /// None of those that were read can be seen any more, which proves nothing.
    Unknown,
    /// It was cut short before this offset, and may have been written to since.
    CutShort {
        /// The first record that was not read.
        first_new: i64,
    },
    /// It holds other records.
    ReCreated,
}

impl Trail {
    /// A record was read; `hash` is its [`short_hash`].
    pub(super) fn push(&mut self, offset: i64, hash: u32) {
        if self.points.len() >= MAX_POINTS {
            self.points.pop_front();
        }
        self.points.push_back(Point { offset, hash });
    }

    /// The last record that was read.
    pub(super) fn last_offset(&self) -> Option<i64> {
        self.points.back().map(|point| point.offset)
    }

    /// Compare with a topic whose records lie from `low` to before `high`. `hash_at` reads one again;
    /// `None` where there is none.
    ///
    /// # Errors
    /// Those of `hash_at`.
    pub(super) fn judge<E>(
        &self,
        (low, high): (i64, i64),
        hash_at: &mut dyn FnMut(i64) -> Result<Option<u32>, E>,
    ) -> Result<Verdict, E> {
        let mut differs = false;
        for point in self.thinned().iter().rev() {
            if point.offset < low {
                break;
            }
            let found = match point.offset < high {
                true => hash_at(point.offset)?,
                false => {
                    differs = true;
                    continue;
                }
            };
            match found {
                Some(hash) if hash == point.hash && differs => {
                    let first_new = point.offset + 1;
                    return Ok(Verdict::CutShort { first_new });
                }
                Some(hash) if hash == point.hash => return Ok(Verdict::Same),
                Some(_) => differs = true,
                None => {}
            }
        }
        Ok(match differs {
            true => Verdict::ReCreated,
            false => Verdict::Unknown,
        })
    }

    /// Forget what was read from this offset on.
    pub(super) fn cut(&mut self, from: i64) {
        self.points.retain(|point| point.offset < from);
    }

    /// The last ones, and before them each about twice as far away as the one after it.
    fn thinned(&self) -> Vec<Point> {
        let Some(last) = self.points.back() else {
            return Vec::new();
        };
        let mut kept: Vec<Point> = Vec::new();
        for (index, point) in self.points.iter().rev().enumerate() {
            let is_far = kept.last().is_none_or(|newer: &Point| {
                last.offset - point.offset >= 2 * (last.offset - newer.offset)
            });
            let is_oldest = index + 1 == self.points.len();
            if index < WITHOUT_GAP || is_far || is_oldest {
                kept.push(*point);
            }
        }
        kept.truncate(MAX_WRITTEN);
        kept.reverse();
        kept
    }

    /// The metadata of a position: the note, and the trail as ASCII.
    pub(super) fn beside(&self, note: &str) -> String {
        let mut text = format!("{note}{MARK}{}", self.cluster);
        let mut at = 0;
        for point in self.thinned() {
            text.push_str(&format!(" {}:{:08x}", point.offset - at, point.hash));
            at = point.offset;
        }
        text
    }

    /// Reads [`Trail::beside`]; text of nobody is a note without a trail.
    pub(super) fn split(text: &str) -> (&str, Trail) {
        let Some((note, trail)) = text.rsplit_once(MARK) else {
            return (text, Trail::default());
        };
        let mut words = trail.split(' ');
        let mut trail = Trail {
            cluster: words.next().unwrap_or_default().to_owned(),
            points: VecDeque::new(),
        };
        let mut at = 0;
        for word in words {
            let Some((distance, hash)) = word.split_once(':') else {
                break;
            };
            let (Ok(distance), Ok(hash)) = (distance.parse::<i64>(), u32::from_str_radix(hash, 16))
            else {
                break;
            };
            at += distance;
            trail.push(at, hash);
        }
        (note, trail)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;

    /// A trail of every second offset below `end`, as markers of transactions leave it.
    fn trail(end: i64) -> Trail {
        let mut trail = Trail {
            cluster: "4L6g3nShT-eMCtK--X86sw".into(),
            ..Trail::default()
        };
        for offset in (0..end).step_by(2) {
            trail.push(offset, hash(offset));
        }
        trail
    }

    fn hash(offset: i64) -> u32 {
        offset.unsigned_abs().wrapping_mul(2_654_435_761) as u32
    }

    /// What a trail says of a topic with these records.
    fn judged(trail: &Trail, low: i64, high: i64, topic: &BTreeMap<i64, u32>) -> Verdict {
        let mut read = |offset: i64| Ok::<_, Infallible>(topic.get(&offset).copied());
        trail.judge((low, high), &mut read).unwrap()
    }

    fn same(offsets: std::ops::Range<i64>) -> BTreeMap<i64, u32> {
        offsets
            .step_by(2)
            .map(|offset| (offset, hash(offset)))
            .collect()
    }

    #[test]
    fn another_timestamp_key_or_value_is_another_hash() {
        let records = [
            (Some(1_000), Some("key"), Some("value")),
            (Some(1_001), Some("key"), Some("value")),
            (None, Some("key"), Some("value")),
            (Some(1_000), None, Some("value")),
            (Some(1_000), Some(""), Some("value")),
            (Some(1_000), Some("keyv"), Some("alue")),
            (Some(1_000), Some("key"), Some("")),
            (Some(1_000), Some("key"), None),
        ];
        let hashes = records.map(|(timestamp_ms, key, value)| {
            short_hash(&RawRecord {
                timestamp_ms,
                key: key.map(str::as_bytes),
                value: value.map(str::as_bytes),
                ..RawRecord::of_value("events", b"")
            })
        });
        let distinct: std::collections::HashSet<u32> = hashes.into_iter().collect();
        assert_eq!(distinct.len(), records.len());
        // What is committed is compared by later versions.
        assert_eq!(hashes[0], 0xc631_f97f);
    }

    #[test]
    fn it_survives_its_journey_in_little_space_and_foreign_text_is_a_note() {
        let long = trail(2_000_000);
        let text = long.beside("note 0+1 ! 2+1");
        assert!(text.is_ascii() && text.len() < 600, "{}", text.len());
        let (note, read) = Trail::split(&text);
        assert_eq!(note, "note 0+1 ! 2+1");
        assert_eq!(read.cluster, long.cluster);
        assert_eq!(read.beside(note), text);
        assert_eq!(
            Trail::split("watchbell-notify-1 0+30"),
            ("watchbell-notify-1 0+30", Trail::default())
        );
    }

    #[test]
    fn a_topic_is_the_same_cut_short_re_created_or_not_to_be_known() {
        let read = trail(1_000);
        let at = |low, high, topic: &BTreeMap<i64, u32>| judged(&read, low, high, topic);
        assert_eq!(at(0, 1_000, &same(0..1_000)), Verdict::Same);
        assert_eq!(at(500, 3_000, &same(500..3_000)), Verdict::Same);
        assert_eq!(at(2_000, 3_000, &same(2_000..3_000)), Verdict::Unknown);
        // The last record is gone although others are not, as in a compacted topic.
        assert_eq!(at(0, 1_000, &same(0..990)), Verdict::Same);
        let first_new = 993;
        assert_eq!(at(0, 994, &same(0..994)), Verdict::CutShort { first_new });
        let mut regrown = same(0..994);
        regrown.extend((994..2_000).map(|offset| (offset, 7)));
        assert_eq!(at(0, 2_000, &regrown), Verdict::CutShort { first_new });
        let other: BTreeMap<i64, u32> = (0..2_000).map(|offset| (offset, 7)).collect();
        assert_eq!(at(0, 2_000, &other), Verdict::ReCreated);
        assert_eq!(at(0, 5, &other), Verdict::ReCreated);
        assert_eq!(at(0, 0, &BTreeMap::new()), Verdict::ReCreated);
        assert_eq!(judged(&Trail::default(), 0, 9, &other), Verdict::Unknown);
    }

    #[test]
    fn of_a_topic_cut_far_back_a_part_is_still_known() {
        let read = Trail::split(&trail(8_000).beside("")).1;
        let Verdict::CutShort { first_new } = judged(&read, 0, 6_000, &same(0..6_000)) else {
            panic!("not known");
        };
        assert!((3_000..=6_000).contains(&first_new), "{first_new}");
    }
}
