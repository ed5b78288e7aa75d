//! The rows of one table that are not written yet, as columns in memory.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::column::{Cell, Column, ColumnType, Lookup, Source};
use super::columns::TableKind;
use crate::view::Emitted;

/// About how long a whole value is at least.
const VALUE_BYTES: usize = 1_024;

/// The time zone of all times in the tables.
const UTC: &str = "UTC";

/// The name of a list's elements, as Parquet and Delta call it.
const ELEMENT: &str = "element";

/// Rows of one table.
pub struct Rows {
    kind: TableKind,
    columns: Vec<Builder>,
    rows: usize,
    bytes: usize,
    /// Bytes of memory that the column of whole values takes from the beginning.
    room: usize,
    /// For the rows after these.
    memory: RowMemory,
}

/// The memory of the text columns of rows that are written, for rows of the same table that come after them.
#[derive(Default)]
pub struct RowMemory {
    /// A builder without values for each column whose memory can be used again.
    texts: Vec<Option<StringBuilder>>,
}

/// The values of a column.
enum Builder {
    Day(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Flag(BooleanBuilder),
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
    Bytes(BinaryBuilder),
}

impl Rows {
    /// No rows.
    pub fn new(kind: TableKind) -> Rows {
        Rows::with_room(kind, 0)
    }

    /// No rows, and room for so many bytes of whole values: a column that grows takes up to three times its bytes for
    /// a moment. The system gives memory only as it is filled.
    pub fn with_room(kind: TableKind, room: usize) -> Rows {
        Rows::in_memory(RowMemory::default(), kind, room)
    }

    fn in_memory(memory: RowMemory, kind: TableKind, room: usize) -> Rows {
        let mut texts = memory.texts.into_iter();
        let columns = kind.columns().iter().map(|column| {
            let texts = texts.next().flatten();
            texts.map_or_else(|| Builder::new(column, room), Builder::Text)
        });
        Rows {
            kind,
            columns: columns.collect(),
            rows: 0,
            bytes: 0,
            room,
            memory: RowMemory::default(),
        }
    }

    /// The rows that come after these are gathered in the memory of rows of this table that are written: fresh memory costs
    /// a page fault for each 4 KB.
    pub fn reuse(&mut self, memory: RowMemory) {
        self.memory = memory;
    }

    /// The table.
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Add the row of a record.
    pub fn push(&mut self, emitted: &Emitted<'_>) {
        let source = Source::new(emitted, time_ms(self.kind, emitted));
        for (column, builder) in self.kind.columns().iter().zip(&mut self.columns) {
            self.bytes += builder.push((column.value)(&source));
        }
        self.rows += 1;
    }

    /// The rows as columns; nothing is left.
    ///
    /// # Errors
    /// The columns do not fit each other, which is a fault of the program.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let memory = std::mem::take(&mut self.memory);
        let empty = Rows::in_memory(memory, self.kind, self.room);
        let mut full = std::mem::replace(self, empty);
        let columns = full.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.kind.schema(), columns)
    }
}

impl RowMemory {
    /// The memory of these rows. What somebody else still has is left out.
    pub fn of(rows: RecordBatch) -> RowMemory {
        let (_, columns, _) = rows.into_parts();
        RowMemory {
            texts: columns.into_iter().map(emptied).collect(),
        }
    }
}

/// The builder of a column of texts, without its values.
fn emptied(column: ArrayRef) -> Option<StringBuilder> {
    let texts = column.as_string_opt::<i32>()?.clone();
    drop(column);
    let (offsets, values, _) = texts.into_parts();
    let empty = StringArray::try_new(offsets.slice(0, 0), values.slice_with_length(0, 0), None);
    drop((offsets, values));
    empty.ok()?.into_builder().ok()
}

impl TableKind {
    /// The schema of its columns.
    pub fn schema(self) -> SchemaRef {
        let columns = self.columns().iter();
        let fields = columns.map(|column| {
            // The day and the time stand in every row.
            let is_nullable = !matches!(column.name, "day" | "time");
            Field::new(column.name, data_type(column.kind), is_nullable)
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The Arrow type of a column's values.
fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Day => DataType::Date32,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        ColumnType::Int => DataType::Int32,
        ColumnType::Long => DataType::Int64,
        ColumnType::Flag => DataType::Boolean,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Texts => DataType::List(Arc::new(element())),
        ColumnType::Bytes => DataType::Binary,
    }
}

fn element() -> Field {
    Field::new(ELEMENT, DataType::Utf8, true)
}

/// The time by which a row is found: that of the event or alert, else that of the record; 0 where neither is known.
fn time_ms(kind: TableKind, emitted: &Emitted<'_>) -> i64 {
    let own = match kind {
        TableKind::Events | TableKind::Alerts => emitted.root().and_then(|root| root.int("time")),
        TableKind::DeadLetters | TableKind::Ledger => None,
    };
    let time = own.or(emitted.record.timestamp_ms).unwrap_or(0);
    // What Delta's timestamps and the days of most readers can hold.
    time.clamp(MIN_TIME_MS, MAX_TIME_MS)
}

/// 0001-01-01T00:00:00Z
const MIN_TIME_MS: i64 = -62_135_596_800_000;

/// 9999-12-31T23:59:59.999Z
const MAX_TIME_MS: i64 = 253_402_300_799_999;

impl Builder {
    fn new(column: &Column, room: usize) -> Builder {
        match column.kind {
            ColumnType::Text if column.lookup == Lookup::Payload => {
                Builder::Text(StringBuilder::with_capacity(room / VALUE_BYTES, room))
            }
            ColumnType::Day => Builder::Day(Date32Builder::new()),
            ColumnType::Time => {
                Builder::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC))
            }
            ColumnType::Int => Builder::Int(Int32Builder::new()),
            ColumnType::Long => Builder::Long(Int64Builder::new()),
            ColumnType::Flag => Builder::Flag(BooleanBuilder::new()),
            ColumnType::Text => Builder::Text(StringBuilder::new()),
            ColumnType::Texts => {
                Builder::Texts(ListBuilder::new(StringBuilder::new()).with_field(element()))
            }
            ColumnType::Bytes => Builder::Bytes(BinaryBuilder::new()),
        }
    }

    /// Add a value; about how many bytes it takes. A value of another type counts as none.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        match (self, cell) {
            (Builder::Day(builder), cell) => {
                let day = if let Cell::Day(day) = cell {
                    Some(day)
                } else {
                    None
                };
                builder.append_option(day);
                4
            }
            (Builder::Time(builder), cell) => {
                let time = if let Cell::TimeMs(ms) = cell {
                    Some(ms.saturating_mul(1_000))
                } else {
                    None
                };
                builder.append_option(time);
                8
            }
            (Builder::Int(builder), cell) => {
                let number = if let Cell::Int(number) = cell {
                    Some(number)
                } else {
                    None
                };
                builder.append_option(number);
                4
            }
            (Builder::Long(builder), cell) => {
                let number = if let Cell::Long(number) = cell {
                    Some(number)
                } else {
                    None
                };
                builder.append_option(number);
                8
            }
            (Builder::Flag(builder), cell) => {
                let flag = if let Cell::Flag(flag) = cell {
                    Some(flag)
                } else {
                    None
                };
                builder.append_option(flag);
                1
            }
            (Builder::Text(builder), cell) => {
                let text = if let Cell::Text(text) = cell {
                    Some(text)
                } else {
                    None
                };
                builder.append_option(text.as_deref());
                4 + text.map_or(0, |text| text.len())
            }
            (Builder::Texts(builder), cell) => {
                let Cell::Texts(texts) = cell else {
                    builder.append_null();
                    return 4;
                };
                let mut bytes = 4;
                for text in texts {
                    bytes += 4 + text.as_ref().map_or(0, |text| text.len());
                    builder.values().append_option(text);
                }
                builder.append(true);
                bytes
            }
            (Builder::Bytes(builder), cell) => {
                let value = if let Cell::Bytes(value) = cell {
                    Some(value)
                } else {
                    None
                };
                builder.append_option(value);
                4 + value.map_or(0, <[u8]>::len)
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Day(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish().with_timezone(UTC)),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Long(builder) => Arc::new(builder.finish()),
            Builder::Flag(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Texts(builder) => Arc::new(builder.finish()),
            Builder::Bytes(builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RawRecord;

    fn push(rows: &mut Rows, value: &str) {
        rows.push(&Emitted::new(RawRecord::of_value(
            "events",
            value.as_bytes(),
        )));
    }

    fn event(text: &str) -> String {
        format!(r#"{{"class_uid":6003,"time":5,"status":"{text}"}}"#)
    }

    #[test]
    fn rows_in_the_memory_of_others_hold_nothing_of_them() {
        let mut rows = Rows::with_room(TableKind::Events, 1 << 20);
        for text in ["Success", "Failure", "Zürich"] {
            push(&mut rows, &event(text));
        }
        push(&mut rows, "no JSON");
        let written = rows.take().unwrap();
        let place = |rows: &RecordBatch| rows["event"].as_string::<i32>().values().as_ptr();
        let before = place(&written);
        rows.reuse(RowMemory::of(written));
        // Those that were begun already are gathered in memory of their own.
        push(&mut rows, &event("Unknown"));
        assert_ne!(place(&rows.take().unwrap()), before);
        push(&mut rows, &event("Other"));
        let (reused, mut fresh) = (rows.take().unwrap(), Rows::new(TableKind::Events));
        push(&mut fresh, &event("Other"));
        assert_eq!(place(&reused), before);
        assert_eq!(reused, fresh.take().unwrap());
    }

    #[test]
    fn memory_that_somebody_else_reads_is_not_used_again() {
        let mut rows = Rows::new(TableKind::Events);
        push(&mut rows, &event("Success"));
        let written = rows.take().unwrap();
        let read = written["event"].clone();
        rows.reuse(RowMemory::of(written));
        rows.take().unwrap();
        push(&mut rows, &event("Failure"));
        rows.take().unwrap();
        assert_eq!(read.as_string::<i32>().value(0), event("Success"));
    }
}
