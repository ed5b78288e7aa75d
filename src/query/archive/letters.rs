//! The newest dead letters, and which of them were retried.

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, ident};

use super::conditions::Conditions;
use super::engine::Engine;
use super::pruning::{day, text_value};
use crate::archive::{TableKind, day_of};
use crate::kafka::Stored;
use crate::query::Receipts;
use crate::view::At;

/// Most receipts of a dead letter that are read: there is one, unless somebody else writes to the topic.
const MOST_RECEIPTS: usize = 4;

impl Engine {
    /// The newest dead letters, the newest first, and the receipts of those among them that were retried. The receipts
    /// are those of dead letters in `topic`.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn newest_letters(
        &self,
        topic: &str,
        limit: usize,
    ) -> Result<(Vec<Stored>, Receipts)> {
        let conditions = Conditions {
            kind: Some("dead_letter"),
            ..Conditions::default()
        };
        let letters = self.newest_records(TableKind::DeadLetters, &conditions, limit);
        let letters = letters.await?;
        let mut receipts = Receipts::default();
        let of_topic: Vec<_> = letters
            .iter()
            .map(Stored::record)
            .filter(|letter| letter.position.topic == topic)
            .collect();
        let times = of_topic.iter().filter_map(|letter| letter.timestamp_ms);
        let Some(oldest_ms) = times.min() else {
            return Ok((letters, receipts));
        };
        let positions = of_topic.iter().map(|letter| At::from(letter.position));
        let positions: Vec<Expr> = positions.map(|at| text_value(&at.to_string())).collect();
        let limit = positions.len() * MOST_RECEIPTS;
        // The clocks of producers differ, by less than a day.
        let since = day(day_of(oldest_ms).saturating_sub(1));
        let are_receipts = ident("kind")
            .eq(text_value("receipt"))
            .and(ident("day").gt_eq(since))
            .and(ident("topic").eq(text_value(topic)))
            .and(ident("retried").in_list(positions, false));
        let found = self.newest_where(TableKind::DeadLetters, are_receipts, limit);
        for stored in found.await? {
            receipts.note(&stored.record());
        }
        Ok((letters, receipts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Rows;
    use crate::event::{Header, Offset, RawRecord};
    use crate::query::Letter;
    use crate::view::Emitted;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    fn row(rows: &mut Rows, topic: &str, (offset, time_ms): (i64, i64), header: (&str, &str)) {
        let mut record = RawRecord::of_value(topic, b"value");
        record.position.offset = Offset(offset);
        record.timestamp_ms = Some(time_ms);
        record.headers = vec![Header {
            name: header.0,
            value: Some(header.1.as_bytes()),
        }];
        rows.push(&Emitted::new(record));
    }

    #[tokio::test]
    async fn receipts_take_no_place_among_the_newest_and_are_found_whenever_they_were_written() {
        let mut rows = Rows::new(TableKind::DeadLetters);
        let reason = ("watchbell-reason", "not_json");
        for number in 0..10 {
            row(&mut rows, "dead", (number, number * DAY_MS), reason);
        }
        // Another topic has the same positions.
        row(&mut rows, "file:a5", (9, 9 * DAY_MS), reason);
        let receipts = [
            (20, "dead/0@9"),
            (21, "dead/0@7"),
            (22, "dead/0@1"),
            (23, "other/0@8"),
        ];
        for (offset, retried) in receipts {
            let header = ("watchbell-retried", retried);
            row(&mut rows, "dead", (offset, (offset + 10) * DAY_MS), header);
        }
        let mut engine = Engine::new(256 << 20).unwrap();
        let batch = rows.take().unwrap();
        engine
            .add_unstored(TableKind::DeadLetters, &[batch])
            .unwrap();
        let (letters, receipts) = engine.newest_letters("dead", 4).await.unwrap();
        let letters = letters
            .iter()
            .map(|stored| Letter::read(stored.record()).unwrap());
        let mut found: Vec<_> = letters
            .filter(|letter| letter.record.position.topic == "dead")
            .map(|letter| (letter.record.position.offset.0, receipts.of(&letter)))
            .map(|(offset, retry)| (offset, retry.map(|retry| retry.receipt.1)))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [(7, Some(21)), (8, None), (9, Some(20))]);
        let (none, _) = engine.newest_letters("other", 4).await.unwrap();
        assert_eq!(none.len(), 4);
    }
}
