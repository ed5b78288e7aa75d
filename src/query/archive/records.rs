//! Rows of the tables, turned back into the records of which they were made.

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type, TimestampMicrosecondType};
use data_encoding::BASE64;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use serde_json::Value;

use crate::archive::TableKind;
use crate::event::{Header, Offset, Partition, Position, RawRecord, file_of_topic};
use crate::view::SOURCE_TOPIC;

/// The columns that a record is made of, in the order in which [`Records::new`] takes them.
pub const fn record_columns(kind: TableKind) -> &'static [&'static str] {
    match kind {
        TableKind::Events => &[
            "topic",
            "partition",
            "offset",
            "written",
            "value",
            "event",
            "source_topic",
        ],
        TableKind::Alerts => &["topic", "partition", "offset", "written", "value", "alert"],
        TableKind::Ledger => &["topic", "partition", "offset", "written", "value", "ledger"],
        TableKind::DeadLetters => &[
            "topic",
            "partition",
            "offset",
            "written",
            "value",
            "key",
            "headers",
        ],
    }
}

/// Rows, read as records.
pub(super) struct Records<'a> {
    topic: &'a StringViewArray,
    partition: &'a PrimitiveArray<Int32Type>,
    offset: &'a PrimitiveArray<Int64Type>,
    written: &'a PrimitiveArray<TimestampMicrosecondType>,
    /// The value where it is not text.
    bytes: &'a BinaryViewArray,
    /// The value as text, of events and alerts.
    text: Option<&'a StringViewArray>,
    /// Of dead letters.
    key: Option<&'a BinaryViewArray>,
    /// Of dead letters, as JSON.
    headers: Option<&'a StringViewArray>,
    /// Of events, the topic or file that they came from.
    source: Option<&'a StringViewArray>,
}

impl<'a> Records<'a> {
    /// The rows of these columns, which are those of [`record_columns`].
    ///
    /// # Errors
    /// The columns are others.
    pub(super) fn new(kind: TableKind, columns: &'a [ArrayRef]) -> Result<Records<'a>> {
        let column = |number: usize| {
            let missing = || exec_datafusion_err!("a record of {} lacks a column", kind.name());
            columns
                .get(number)
                .map(|column| &**column)
                .ok_or_else(missing)
        };
        let is_letter = kind == TableKind::DeadLetters;
        Ok(Records {
            topic: text(column(0)?)?,
            partition: number(column(1)?)?,
            offset: number(column(2)?)?,
            written: number(column(3)?)?,
            bytes: bytes(column(4)?)?,
            text: if is_letter {
                None
            } else {
                Some(text(column(5)?)?)
            },
            key: if is_letter {
                Some(bytes(column(5)?)?)
            } else {
                None
            },
            headers: if is_letter {
                Some(text(column(6)?)?)
            } else {
                None
            },
            source: match kind {
                TableKind::Events => Some(text(column(6)?)?),
                _ => None,
            },
        })
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.topic.len()
    }

    /// The position of a row's record: topic, partition, offset.
    pub(super) fn position(&self, row: usize) -> (&'a str, i32, i64) {
        let (topic, partition) = (self.topic.value(row), self.partition.value(row));
        (topic, partition, self.offset.value(row))
    }

    /// The header that says the name of the file, of an event that came from one.
    fn file_headers(&self, row: usize) -> Vec<(String, Option<Vec<u8>>)> {
        let source = self.source.filter(|source| source.is_valid(row));
        let source = source.filter(|_| file_of_topic(self.topic.value(row)).is_some());
        let header = |source: &StringViewArray| {
            let name = source.value(row).as_bytes().to_vec();
            (SOURCE_TOPIC.to_owned(), Some(name))
        };
        source.map(header).into_iter().collect()
    }

    /// Calls `visit` with the record of a row.
    pub(super) fn with<T>(&self, row: usize, visit: impl FnOnce(&RawRecord<'_>) -> T) -> T {
        let (topic, partition, offset) = self.position(row);
        let headers = self.headers.filter(|headers| headers.is_valid(row));
        let headers = headers.map(|headers| own_headers(headers.value(row)));
        let headers = headers.unwrap_or_else(|| self.file_headers(row));
        let text = self.text.filter(|text| text.is_valid(row));
        let text = text.map(|text| text.value(row).as_bytes());
        let own = || self.bytes.is_valid(row).then(|| self.bytes.value(row));
        let key = self.key.filter(|key| key.is_valid(row));
        visit(&RawRecord {
            position: Position {
                topic,
                partition: Partition(partition),
                offset: Offset(offset),
                element: None,
            },
            timestamp_ms: self
                .written
                .is_valid(row)
                .then(|| self.written.value(row) / 1_000),
            key: key.map(|key| key.value(row)),
            value: text.or_else(own),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name,
                    value: value.as_deref(),
                })
                .collect(),
        })
    }
}

/// Headers as the column `headers` has them.
fn own_headers(json: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let headers: Vec<Value> = serde_json::from_str(json).unwrap_or_default();
    let headers = headers.into_iter().map(|header| {
        let name = header["name"].as_str().unwrap_or_default().to_owned();
        let text = header["value"]
            .as_str()
            .map(|text| text.as_bytes().to_vec());
        let bytes = || {
            BASE64
                .decode(header["value_base64"].as_str()?.as_bytes())
                .ok()
        };
        (name, text.or_else(bytes))
    });
    headers.collect()
}

fn text(column: &dyn Array) -> Result<&StringViewArray> {
    column.as_string_view_opt().ok_or_else(other_type)
}

fn bytes(column: &dyn Array) -> Result<&BinaryViewArray> {
    column.as_binary_view_opt().ok_or_else(other_type)
}

fn number<T: ArrowPrimitiveType>(column: &dyn Array) -> Result<&PrimitiveArray<T>> {
    column.as_primitive_opt().ok_or_else(other_type)
}

fn other_type() -> DataFusionError {
    exec_datafusion_err!("a column of a record has another type")
}
