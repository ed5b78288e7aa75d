//! What the ledger is told of a dead letter that was retried: the events that its source record has now.

use crate::config::Config;
use crate::event::{OutputBuffer, OutputRecord, RawRecord};
use crate::ledger::{Bounds, Fates, ledger_key, outputs_record};
use crate::pipeline::{OutputList, published};

/// The ledger, and the sources whose records it knows.
pub(super) struct RetryLedger {
    outputs: OutputList,
    /// Topic and name of each source.
    sources: Vec<(String, String)>,
}

impl RetryLedger {
    pub(super) fn new(config: &Config, outputs: OutputList) -> RetryLedger {
        let sources = config.sources.iter();
        let sources = sources.map(|source| (source.topic.clone(), source.name.clone()));
        RetryLedger {
            outputs,
            sources: sources.collect(),
        }
    }

    /// The ledger's records of what this source record became; none where there is no ledger.
    pub(super) fn records(
        &self,
        record: &RawRecord<'_>,
        counts: [u64; 2],
        out: &OutputBuffer,
    ) -> Vec<OutputRecord> {
        let Some(ledger) = self.outputs.ledger() else {
            return Vec::new();
        };
        let position = record.position;
        let of_topic = |(topic, _): &&(String, String)| topic == position.topic;
        let source = self.sources.iter().find(of_topic);
        let source = source.map_or("", |(_, name)| name);
        let of = (source, position.topic, position.partition.0);
        let [events, dead_letters] = counts;
        let mut fates = Fates::default();
        for (count, fate) in [(events, Fates::EVENT), (dead_letters, Fates::DEAD_LETTER)] {
            if count > 0 {
                fates.add(fate);
            }
        }
        let values = outputs_record(
            (position.offset.0, record.value),
            (fates, [events, dead_letters, 0]),
            published(out, 0, position, &self.outputs),
            (of, Bounds::of_topic(ledger.max_bytes)),
        );
        let record = |value| OutputRecord {
            topic: ledger.topic.clone(),
            key: Some(ledger_key(of).into_bytes()),
            value: Some(value),
            headers: vec![("content-type".into(), Some(b"application/json".to_vec()))],
        };
        values.into_iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Offset, Partition, Position};
    use crate::ledger::{Kind, LedgerRecord, output_hash, value_hash};
    use crate::pipeline::Content;

    #[test]
    fn the_ledger_is_told_of_the_events_of_a_retried_dead_letter_and_of_nothing_where_there_is_none()
     {
        let mut record = RawRecord::of_value("audit", b"repaired");
        record.position = Position {
            topic: "audit",
            partition: Partition(3),
            offset: Offset(7),
            element: Some(2),
        };
        let mut out = OutputBuffer::default();
        for topic in ["events", "alerts"] {
            out.push_copy(&topic.into(), None, [], Some(b"event"));
        }
        let outputs = OutputList::new(Content::name);
        let sources = vec![("audit".to_owned(), "confluent".to_owned())];
        let without = RetryLedger {
            outputs: outputs.clone(),
            sources: sources.clone(),
        };
        assert!(without.records(&record, [1, 0], &out).is_empty());
        let ledger = RetryLedger {
            outputs: outputs.with_ledger("ledger"),
            sources,
        };
        let records = ledger.records(&record, [1, 0], &out);
        assert_eq!(records.len(), 1);
        assert_eq!(
            (&*records[0].topic, records[0].key.as_deref()),
            ("ledger", Some(&b"confluent/audit/3"[..]))
        );
        let told = LedgerRecord::parse(records[0].value.as_deref().unwrap()).unwrap();
        assert_eq!(
            (told.kind, told.events, told.links()),
            (Kind::Retry, 1, None)
        );
        told.check(|entry| {
            assert_eq!(
                (entry.offset, entry.value),
                (7, value_hash(Some(b"repaired")))
            );
            let output = entry.outputs[0];
            assert_eq!(
                (output.element, output.hash),
                (2, output_hash(Some(b"event")))
            );
            assert_eq!(entry.outputs.len(), 1);
        })
        .unwrap();
    }
}
