//! Writes a data file, a row group at a time and in it a part of a column at a time: beside the rows and the file, memory
//! holds one column's encoder and compressor.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::interleave;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::column::{Column, Lookup};
use super::columns::TableKind;
use super::encode_error::EncodeError;
use super::file_properties::properties;

/// Values of a column that are put in order at a time.
const PART_ROWS: usize = 2_048;

/// A data file that is being written.
pub(super) struct FileWriter<W: Write + Send> {
    kind: TableKind,
    /// The schema of the file.
    pub(super) schema: SchemaRef,
    pub(super) writer: SerializedFileWriter<W>,
    groups: ArrowRowGroupWriterFactory,
    /// How many row groups there are.
    pub(super) written: usize,
}

impl<W: Write + Send> FileWriter<W> {
    /// A file whose row groups have at most so many rows.
    pub(super) fn new(kind: TableKind, rows: usize, to: W) -> Result<FileWriter<W>, EncodeError> {
        let all = kind.schema();
        // The partition column stands in the path and in the Delta log, not in the file.
        let schema = Arc::new(Schema::new(all.fields()[1..].to_vec()));
        let writer = ArrowWriter::try_new(to, schema.clone(), Some(properties(kind, rows)))?;
        let (writer, groups) = writer.into_serialized_writer()?;
        Ok(FileWriter {
            kind,
            schema,
            writer,
            groups,
            written: 0,
        })
    }

    /// Write a row group of these rows, each named by the number of its batch and its own in the batch. The batches have the
    /// schema of the file.
    pub(super) fn write(
        &mut self,
        batches: &[RecordBatch],
        order: &[(usize, usize)],
    ) -> Result<(), EncodeError> {
        let writers = self.groups.create_column_writers(self.written)?;
        let mut writers = writers.into_iter();
        let mut chunks = Vec::new();
        let columns = self.kind.columns()[1..].iter();
        for (number, (column, field)) in columns.zip(self.schema.fields()).enumerate() {
            let values: Vec<ArrayRef> = batches
                .iter()
                .map(|rows| to_order(column, rows.column(number)))
                .collect();
            let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
            let parts = order.chunks(PART_ROWS);
            chunks.extend(chunks_of(field, &values, parts, &mut writers)?);
        }
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.written += 1;
        Ok(())
    }
}

/// Values as they are put in order: of whole values it is cheaper to move views of them than to copy them.
fn to_order(column: &Column, values: &ArrayRef) -> ArrayRef {
    match values.as_string_opt::<i32>() {
        Some(texts) if column.lookup == Lookup::Payload => Arc::new(StringViewArray::from(texts)),
        _ => values.clone(),
    }
}

/// The values of a column in this order, encoded by the next writers; each column of values in the file has one.
fn chunks_of<'o>(
    field: &FieldRef,
    values: &[&dyn Array],
    parts: impl Iterator<Item = &'o [(usize, usize)]>,
    writers: &mut impl Iterator<Item = ArrowColumnWriter>,
) -> Result<Vec<ArrowColumnChunk>, EncodeError> {
    let mut of_field: Vec<ArrowColumnWriter> = Vec::new();
    for part in parts {
        let values = interleave(values, part)?;
        for (leaf, values) in compute_leaves(field, &values)?.iter().enumerate() {
            if leaf == of_field.len() {
                let missing = || ParquetError::General("a column without a writer".into());
                of_field.push(writers.next().ok_or_else(missing)?);
            }
            of_field[leaf].write(values)?;
        }
    }
    let closed = of_field.into_iter().map(ArrowColumnWriter::close);
    Ok(closed.collect::<Result<_, _>>()?)
}
