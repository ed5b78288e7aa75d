//! One record of the archive, and the records that belong to it.

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, ScalarUDF, ident, lit};

use super::engine::Engine;
use super::functions::TextFunction;
use super::pruning::{text_value, time_scalar};
use super::records::{Records, record_columns};
use crate::archive::TableKind;
use crate::kafka::Stored;
use crate::view::{At, Emitted, RecordKind, Reference};

/// Most records that belong to another one.
const MOST_RELATED: usize = 1_000;

impl Engine {
    /// The record with an id, or at a position, as `show` takes it: an event, an alert, or a dead letter that contains the
    /// id; a position in a source topic finds what was made from the record there.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn find(&self, reference: &Reference) -> Result<Option<Stored>> {
        let places = match reference {
            Reference::Id(id) => [
                (TableKind::Events, ident("event_id").eq(text_value(id))),
                (TableKind::Alerts, ident("alert_id").eq(text_value(id))),
                (TableKind::DeadLetters, contains(id)),
            ],
            Reference::At(at) => [
                (TableKind::Events, is_at(at)),
                (TableKind::DeadLetters, is_at(at)),
                (TableKind::Alerts, is_its_own(at)),
            ],
        };
        for (table, predicate) in places {
            if let Some(found) = self.newest_where(table, predicate, 1).await?.pop() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The alerts that an event raised, the newest first; none if the record is no event.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn alerts_of<'e>(
        &'e self,
        event: &Emitted<'_>,
    ) -> impl Future<Output = Result<Vec<Stored>>> + use<'e> {
        let id = event.id().filter(|_| event.kind == RecordKind::Event);
        let raised = id.map(|id| ident("event_id").eq(text_value(&id)));
        self.related(TableKind::Alerts, raised)
    }

    /// The events that an alert is about, the newest first; none if it contains its event, or if the record is no alert.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn events_behind<'e>(
        &'e self,
        alert: &Emitted<'_>,
    ) -> impl Future<Output = Result<Vec<Stored>>> + use<'e> {
        let ids = alert.related_events();
        let is_asked = !alert.holds_its_event() && !ids.is_empty();
        let any = is_asked.then(|| {
            let ids = ids.iter().map(|id| text_value(id)).collect();
            ident("event_id").in_list(ids, false)
        });
        self.related(TableKind::Events, any)
    }

    /// The alerts at these offsets of a topic, the newest first; their events happened in this span of time.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn alerts_at(
        &self,
        topic: &str,
        offsets: &[i64],
        (first_ms, last_ms): (i64, i64),
    ) -> Result<Vec<Stored>> {
        let micros = |ms: i64| lit(time_scalar(Some(ms.saturating_mul(1_000))));
        let in_time = ident("time").between(micros(first_ms), micros(last_ms.saturating_add(1)));
        let places = offsets.iter().map(|offset| lit(*offset)).collect();
        let predicate = in_time
            .and(ident("topic").eq(text_value(topic)))
            .and(ident("offset").in_list(places, false));
        self.newest_where(TableKind::Alerts, predicate, offsets.len())
            .await
    }

    /// The records of a table that belong to another one; none without a predicate.
    async fn related(&self, table: TableKind, predicate: Option<Expr>) -> Result<Vec<Stored>> {
        match predicate {
            Some(predicate) => self.newest_where(table, predicate, MOST_RELATED).await,
            None => Ok(Vec::new()),
        }
    }

    /// The receipts of a dead letter: it was retried.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub async fn receipts_of(&self, letter: &At) -> Result<Vec<Stored>> {
        let is_receipt = ident("kind").eq(text_value("receipt"));
        let of_letter = is_receipt.and(ident("retried").eq(text_value(&letter.to_string())));
        self.newest_where(TableKind::DeadLetters, of_letter, MOST_RELATED)
            .await
    }

    /// The newest records of a table for which a predicate is true.
    pub(super) async fn newest_where(
        &self,
        table: TableKind,
        predicate: Expr,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let rows = self.table(table).await?.filter(predicate)?;
        let rows = rows.sort(vec![ident("time").sort(false, false)])?;
        let rows = rows.limit(0, Some(limit))?;
        let mut found = Vec::new();
        for batch in rows
            .select_columns(record_columns(table))?
            .collect()
            .await?
        {
            let records = Records::new(table, batch.columns())?;
            let stored = |row: usize| records.with(row, |record| Stored::from(record));
            found.extend((0..records.len()).map(stored));
        }
        Ok(found)
    }
}

/// Whether a record stands at a position of its own topic.
fn is_its_own(at: &At) -> Expr {
    is_position(at, ["topic", "partition", "offset"])
}

/// Whether a record stands at a position, or was made from the source record there.
fn is_at(at: &At) -> Expr {
    let source = is_position(at, ["source_topic", "source_partition", "source_offset"]);
    match at.element {
        // Only source records have elements.
        Some(element) => {
            let element = i32::try_from(element).unwrap_or(i32::MAX);
            source.and(ident("source_element").eq(lit(element)))
        }
        None => is_its_own(at).or(source),
    }
}

/// Whether these columns hold a position.
fn is_position(at: &At, [topic, partition, offset]: [&str; 3]) -> Expr {
    let topic = ident(topic).eq(text_value(&at.topic));
    let partition = ident(partition).eq(lit(at.partition));
    topic.and(partition).and(ident(offset).eq(lit(at.offset)))
}

/// Whether the bytes of dead letters contain an id.
fn contains(id: &str) -> Expr {
    ScalarUDF::from(TextFunction::bytes_contain()).call(vec![ident("value"), text_value(id)])
}
