//! A position and the evidence that the source is still the one it was made on; pure.
//! The evidence is committed beside the position as ASCII JSON: the cluster's id, the topic, and the
//! last record consumed with a hash of what it held. A record that is gone proves nothing; one that is there and
//! reads differently proves that the topic was re-created.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::worker_state::{self, Kept, WorkerState};
use crate::event::{Latest, NextOffset, Offset, Partition};

/// A record of the source, by partition and offset.
pub(super) type RecordPosition = (Partition, Offset);

/// Positions to commit.
pub(super) type CommittedPositions = BTreeMap<Partition, CommittedPosition>;

/// Which topic of which cluster a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceIdentity {
    /// Id of the cluster; `None` with brokers that have none.
    pub(super) cluster: Option<String>,
    pub(super) topic: String,
}

impl SourceIdentity {
    /// What is committed beside a position of this source.
    pub(super) fn evidence(&self, last: Option<LastRecord>) -> Evidence {
        Evidence::new(self.cluster.as_deref(), &self.topic, last)
    }

    /// A position before which nothing was consumed.
    pub(super) fn bare(&self, next: NextOffset) -> CommittedPosition {
        CommittedPosition {
            next,
            evidence: self.evidence(None),
        }
    }
}

/// A position: what is read next, and why it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommittedPosition {
    pub(super) next: NextOffset,
    pub(super) evidence: Evidence,
}

/// What travels with a committed position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// Id of the source cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<String>,
    /// Topic of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<String>,
    /// The last record before the position; none where nothing was consumed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<LastRecord>,
    /// An alert says that the record at this offset cannot be read: it is not raised again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unreadable: Option<i64>,
    /// The greatest timestamp among the records before the position, as [`Latest`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) latest_ms: Option<i64>,
    /// Where the partition ended on the first start: what lies before it is history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<i64>,
    /// Somebody has moved the position from here, and nothing was committed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) moved_from: Option<i64>,
    /// What the worker keeps here: it covers every record before the position, or before the one from which it was moved.
    #[serde(
        default,
        deserialize_with = "worker_state::read",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) state: Option<WorkerState>,
}

/// A record that was consumed. Not always the one at `next - 1`: markers of transactions leave holes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastRecord {
    pub(super) offset: i64,
    /// Milliseconds since the Unix epoch, as the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time_ms: Option<i64>,
    /// 64 bits of SHA-256 over timestamp, key and value, in hexadecimal.
    pub(super) hash: String,
}

impl LastRecord {
    pub(super) fn new(
        offset: Offset,
        time_ms: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> LastRecord {
        let mut hash = Sha256::new();
        hash.update(time_ms.unwrap_or(-1).to_be_bytes());
        for part in [key, value] {
            // The length keeps null, empty, and neighboring parts apart.
            let length = part.map_or(-1, |part| i64::try_from(part.len()).unwrap_or(i64::MAX));
            hash.update(length.to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        let hash = hash.finalize();
        LastRecord {
            offset: offset.0,
            time_ms,
            hash: HEXLOWER.encode(&hash[..8]),
        }
    }
}

impl Evidence {
    /// Ids that are not plain ASCII are left out: rdkafka 0.39 panics on what is not UTF-8. So are those
    /// that are longer than a topic's name may be, or the broker would refuse the whole commit.
    pub(super) fn new(cluster_id: Option<&str>, topic: &str, last: Option<LastRecord>) -> Evidence {
        let fits = |text: &str| text.is_ascii() && text.len() <= 249;
        let ascii = |text: &str| fits(text).then(|| text.to_owned());
        Evidence {
            cluster: cluster_id.and_then(ascii),
            topic: ascii(topic),
            last,
            unreadable: None,
            latest_ms: None,
            history: None,
            moved_from: None,
            state: None,
        }
    }

    /// The same at a position `next` further on, where the log has come as far as `latest`; `before` was
    /// the evidence until then.
    pub(super) fn after(self, before: &Evidence, latest: Latest, next: NextOffset) -> Evidence {
        Evidence {
            latest_ms: latest.0,
            history: before.history.filter(|end| next.0 < *end),
            ..self
        }
    }

    /// What the worker had at the position.
    pub(super) fn kept(&self) -> Kept<'_> {
        Kept {
            state: self.state.as_ref(),
            moved_from: self.moved_from.map(NextOffset),
        }
    }

    /// The same for a position to which somebody moves the one that had the evidence `before`, from `from`.
    pub(super) fn moved(mut self, from: NextOffset, before: &Evidence, to: NextOffset) -> Evidence {
        if before.state.is_some() {
            let first = before.moved_from.unwrap_or(from.0);
            self.moved_from = (first != to.0).then_some(first);
            self.state.clone_from(&before.state);
        }
        self
    }

    /// Whether it was written for this source; `None` where it does not say for which.
    pub(super) fn is_of(&self, source: &SourceIdentity) -> Option<bool> {
        let cluster = self.cluster.as_ref().zip(source.cluster.as_ref());
        let cluster = cluster.map(|(ours, found)| ours == found);
        let topic = self.topic.as_ref().map(|ours| *ours == source.topic);
        match (cluster, topic) {
            (None, None) => None,
            known => Some(known.0.unwrap_or(true) && known.1.unwrap_or(true)),
        }
    }

    /// The source it was written for, in words.
    pub(super) fn source(&self) -> String {
        let unknown = "unknown";
        let topic = self.topic.as_deref().unwrap_or(unknown);
        let cluster = self.cluster.as_deref().unwrap_or(unknown);
        format!("topic {topic} of cluster {cluster}")
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Text of other tools, and none at all, read as knowing nothing.
    pub(super) fn parse(text: &str) -> Evidence {
        serde_json::from_str(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::limits::COMMIT_NOTE_BYTES;

    fn last(value: Option<&[u8]>) -> LastRecord {
        LastRecord::new(Offset(7), Some(1_000), Some(b"key"), value)
    }

    #[test]
    fn the_longest_evidence_fits_beside_a_position_and_comes_back() {
        let (id, topic) = ("\u{1}".repeat(249), "t".repeat(249));
        let last = LastRecord::new(Offset(i64::MAX), Some(i64::MIN), None, None);
        let longest = Evidence {
            unreadable: Some(i64::MAX),
            latest_ms: Some(i64::MIN),
            history: Some(i64::MAX),
            moved_from: Some(i64::MAX),
            state: WorkerState::new("s".repeat(WorkerState::MAX_BYTES)),
            ..Evidence::new(Some(&id), &topic, Some(last))
        };
        assert!(longest.state.is_some());
        let text = longest.to_json();
        assert!(text.len() <= COMMIT_NOTE_BYTES && text.is_ascii());
        assert_eq!(Evidence::parse(&text), longest);
        let longer = Evidence::new(Some(&"i".repeat(250)), &topic, None);
        assert_eq!((longer.cluster, longer.topic), (None, Some(topic)));
    }

    #[test]
    fn evidence_survives_its_journey_and_foreign_text_reads_as_nothing() {
        let last = last(Some(b"value"));
        let known = Evidence::new(Some("4L6g3nShT-eMCtK--X86sw"), "audit", Some(last));
        let text = known.to_json();
        assert!(text.is_ascii() && text.len() < 256, "{text}");
        assert_eq!(Evidence::parse(&text), known);
        for foreign in ["", "consumer-1", "{\"cluster\":7}"] {
            assert_eq!(Evidence::parse(foreign), Evidence::default());
        }
    }

    #[test]
    fn history_ends_where_the_partition_ended_on_the_first_start() {
        let mut first = Evidence::new(Some("here"), "audit", None);
        first.history = Some(100);
        let at = |next| {
            let evidence = Evidence::new(Some("here"), "audit", None);
            evidence.after(&first, Latest(Some(7)), NextOffset(next))
        };
        assert_eq!((at(99).history, at(99).latest_ms), (Some(100), Some(7)));
        assert_eq!((at(100).history, at(100).latest_ms), (None, Some(7)));
        assert_eq!(Evidence::parse(&at(99).to_json()), at(99));
    }

    #[test]
    fn a_moved_position_keeps_the_state_and_says_from_where_it_was_moved_first() {
        let at = |state: Option<&str>, moved_from| Evidence {
            state: state.and_then(WorkerState::new),
            moved_from,
            ..Evidence::default()
        };
        let moved = |before: &Evidence, to| {
            let after = at(None, None).moved(NextOffset(9), before, NextOffset(to));
            let text = after.state.as_ref().map(|state| state.as_str().to_owned());
            (after.moved_from, text)
        };
        let state = || Some("s".to_owned());
        assert_eq!(moved(&at(Some("s"), None), 5), (Some(9), state()));
        assert_eq!(moved(&at(Some("s"), Some(20)), 5), (Some(20), state()));
        // It is back where it was.
        assert_eq!(moved(&at(Some("s"), Some(20)), 20), (None, state()));
        assert_eq!(moved(&at(None, None), 5), (None, None));
        let kept = at(Some("s"), Some(20));
        let kept = kept.kept();
        assert_eq!(kept.moved_from, Some(NextOffset(20)));
        // The next commit is no move.
        let next = at(None, None).after(&at(Some("s"), Some(20)), Latest(None), NextOffset(6));
        assert_eq!(next.moved_from, None);
    }

    #[test]
    fn evidence_of_the_first_release_still_names_its_cluster() {
        let old = Evidence::parse("{\"cluster\":\"here\"}");
        assert_eq!(old.cluster.as_deref(), Some("here"));
        assert_eq!((old.topic, old.last), (None, None));
    }

    #[test]
    fn members_of_a_newer_release_and_a_state_of_another_form_hide_nothing() {
        let state = |text: &str| {
            let read = Evidence::parse(&format!("{{\"cluster\":\"here\",{text},\"latest_ms\":7}}"));
            assert_eq!(
                (read.cluster.as_deref(), read.latest_ms),
                (Some("here"), Some(7))
            );
            read.state
        };
        assert_eq!(state("\"state\":\"h1\""), WorkerState::new("h1"));
        let longer = "s".repeat(WorkerState::MAX_BYTES + 1);
        for other in [
            "\"topic\":null".into(),
            "\"newer\":{\"a\":[1]}".into(),
            "\"state\":null".into(),
            "\"state\":[\"h1\"]".into(),
            format!("\"state\":\"{longer}\""),
        ] {
            assert_eq!(state(&other), None, "{other}");
        }
    }

    #[test]
    fn evidence_knows_its_cluster_and_topic_and_does_not_guess() {
        let source = |cluster: Option<&str>, topic: &str| SourceIdentity {
            cluster: cluster.map(str::to_owned),
            topic: topic.to_owned(),
        };
        let known = source(Some("here"), "audit").evidence(None);
        let is_of = |cluster, topic| known.is_of(&source(cluster, topic));
        assert_eq!(is_of(Some("here"), "audit"), Some(true));
        assert_eq!(is_of(Some("there"), "audit"), Some(false));
        assert_eq!(is_of(Some("here"), "other"), Some(false));
        // A broker without an id proves nothing.
        assert_eq!(is_of(None, "audit"), Some(true));
        let unknown = Evidence::default();
        assert_eq!(unknown.is_of(&source(Some("here"), "audit")), None);
    }

    #[test]
    fn every_part_of_a_record_is_in_its_hash() {
        let one = last(Some(b"value"));
        assert_eq!(one, last(Some(b"value")));
        let others = [
            last(Some(b"other")),
            last(Some(b"")),
            last(None),
            LastRecord::new(Offset(7), Some(1_001), Some(b"key"), Some(b"value")),
            LastRecord::new(Offset(7), None, Some(b"key"), Some(b"value")),
            LastRecord::new(Offset(7), Some(1_000), None, Some(b"value")),
            LastRecord::new(Offset(7), Some(1_000), Some(b"keyv"), Some(b"alue")),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(one.hash, other.hash, "{other:?}");
            for later in &others[index + 1..] {
                assert_ne!(other.hash, later.hash, "{other:?} {later:?}");
            }
        }
    }
}
