//! The rows of a batch as they are read: their columns by name, and whether the columns are those of the value.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use data_encoding::BASE64;
use serde_json::Value;

use super::fault::RowPlace;
use crate::archive::columns::TableKind;
use crate::archive::day::day_number;
use crate::archive::rows::Rows;
use crate::event::{Header, Offset, Partition, Position, RawRecord};
use crate::view::{At, Emitted};

/// The columns that come from the headers of a record of events, which the table does not have.
const OF_HEADERS: [&str; 5] = [
    "source_topic",
    "source_partition",
    "source_offset",
    "source_element",
    "origin",
];

/// Rows of a table, with the types of its columns.
pub(super) struct Batch {
    kind: TableKind,
    rows: RecordBatch,
}

impl Batch {
    /// Another writer may have given the columns other types of the same values.
    pub(super) fn new(kind: TableKind, rows: RecordBatch) -> Result<Batch, ArrowError> {
        let schema = kind.schema();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in schema.fields() {
            if let Some(found) = rows.column_by_name(field.name()) {
                columns.push(match found.data_type() == field.data_type() {
                    true => Arc::clone(found),
                    false => cast(found, field.data_type())?,
                });
                fields.push(field.as_ref().clone().with_nullable(true));
            }
        }
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        Ok(Batch {
            kind,
            rows: RecordBatch::try_new(schema, columns)?,
        })
    }

    pub(super) fn kind(&self) -> TableKind {
        self.kind
    }

    pub(super) fn len(&self) -> usize {
        self.rows.num_rows()
    }

    fn column(&self, name: &str, row: usize) -> Option<&dyn Array> {
        let column = self.rows.column_by_name(name)?;
        column.is_valid(row).then(|| column.as_ref())
    }

    pub(super) fn text(&self, name: &str, row: usize) -> Option<&str> {
        Some(self.column(name, row)?.as_string_opt::<i32>()?.value(row))
    }

    pub(super) fn bytes(&self, name: &str, row: usize) -> Option<&[u8]> {
        let column = self.column(name, row)?;
        match column.as_string_opt::<i32>() {
            Some(texts) => Some(texts.value(row).as_bytes()),
            None => Some(column.as_binary_opt::<i32>()?.value(row)),
        }
    }

    pub(super) fn int(&self, name: &str, row: usize) -> Option<i32> {
        let column = self.column(name, row)?.as_primitive_opt::<Int32Type>()?;
        Some(column.value(row))
    }

    pub(super) fn long(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.column(name, row)?.as_primitive_opt::<Int64Type>()?;
        Some(column.value(row))
    }

    pub(super) fn time_ms(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.column(name, row)?;
        let column = column.as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(column.value(row).div_euclid(1_000))
    }

    /// The position in the topic from which the row was read.
    pub(super) fn place(&self, row: usize) -> RowPlace {
        RowPlace {
            topic: self.text("topic", row).unwrap_or_default().into(),
            partition: self.int("partition", row).unwrap_or(-1),
            offset: self.long("offset", row).unwrap_or(-1),
        }
    }

    /// The source position that the row claims.
    pub(super) fn source(&self, row: usize) -> Option<At> {
        let element = self.int("source_element", row);
        Some(At {
            topic: self.text("source_topic", row)?.to_owned(),
            partition: self.int("source_partition", row)?,
            offset: self.long("source_offset", row)?,
            element: element.and_then(|element| u32::try_from(element).ok()),
        })
    }

    /// The value of the record.
    pub(super) fn value(&self, row: usize) -> Option<&[u8]> {
        let text = match self.kind {
            TableKind::Events => "event",
            TableKind::Alerts => "alert",
            TableKind::Ledger => "ledger",
            TableKind::DeadLetters => "value",
        };
        self.bytes(text, row).or_else(|| self.bytes("value", row))
    }

    /// The headers of a dead letter.
    pub(super) fn headers(&self, row: usize) -> Vec<OwnedHeader> {
        let text = self.text("headers", row).unwrap_or("[]");
        let headers: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        let headers = headers.iter().map(|header| {
            let name = header["name"].as_str().unwrap_or_default().to_owned();
            let base64 = header["value_base64"].as_str();
            let decoded = base64.and_then(|text| BASE64.decode(text.as_bytes()).ok());
            let text = header["value"].as_str();
            (
                name,
                decoded.or_else(|| text.map(|text| text.as_bytes().to_vec())),
            )
        });
        headers.collect()
    }

    /// Of these rows those whose columns are not those of their value, with the names of the columns. `day` is that of
    /// the file.
    pub(super) fn differing(
        &self,
        chosen: &[u32],
        day: &str,
    ) -> Result<Vec<(u32, Vec<&str>)>, ArrowError> {
        let mut rows = Rows::new(self.kind);
        for row in chosen {
            self.push(*row as usize, &mut rows);
        }
        let expected = rows.take()?;
        let indices = UInt32Array::from_iter_values(chosen.iter().copied());
        let mut differing: Vec<(u32, Vec<&str>)> = Vec::new();
        let mut note = |row: usize, name| match differing
            .iter_mut()
            .find(|(found, _)| *found == chosen[row])
        {
            Some((_, names)) => names.push(name),
            None => differing.push((chosen[row], vec![name])),
        };
        let days = expected.column(0).as_primitive::<Date32Type>();
        for row in 0..chosen.len() {
            if days.value(row) != day_number(day) {
                note(row, "day");
            }
        }
        let of_headers = |name: &str| self.kind == TableKind::Events && OF_HEADERS.contains(&name);
        for column in self.kind.columns() {
            let (Some(found), Some(expected)) = (
                self.rows.column_by_name(column.name),
                expected.column_by_name(column.name),
            ) else {
                continue;
            };
            let found = take(found, &indices, None)?;
            if of_headers(column.name) || &found == expected {
                continue;
            }
            for row in 0..chosen.len() {
                if found.slice(row, 1) != expected.slice(row, 1) {
                    note(row, column.name);
                }
            }
        }
        Ok(differing)
    }

    /// Makes the row anew from what it says of its record.
    fn push(&self, row: usize, rows: &mut Rows) {
        let place = self.place(row);
        let headers = self.headers(row);
        let headers = headers.iter().map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        });
        rows.push(&Emitted::new(RawRecord {
            position: Position {
                topic: &place.topic,
                partition: Partition(place.partition),
                offset: Offset(place.offset),
                element: None,
            },
            timestamp_ms: self.time_ms("written", row),
            key: self.bytes("key", row),
            value: self.value(row),
            headers: headers.collect(),
        }));
    }
}

/// Name and value of a header.
pub(super) type OwnedHeader = (String, Option<Vec<u8>>);
