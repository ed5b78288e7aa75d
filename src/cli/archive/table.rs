//! Rows of an answer as a table for people.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::cli::columns::write_columns;
use crate::printable::printable;
use crate::query::archive::cells;

/// Writes rows under the names of their columns. Numbers are aligned at the right where they stand in the last column.
pub(super) fn write_table(
    columns: &SchemaRef,
    batches: &[RecordBatch],
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = |text: &str| printable(text).into_owned();
    let head = columns.fields().iter();
    let mut table = vec![
        head.map(|field| shown(&field.name().to_uppercase()))
            .collect(),
    ];
    for rows in batches {
        let cells = cells(rows).map_err(io::Error::other)?;
        let texts = cells.into_iter().map(|row| {
            let cells = row.into_iter();
            cells
                .map(|cell| cell.map_or_else(|| "-".to_owned(), |cell| shown(&cell)))
                .collect()
        });
        table.extend(texts);
    }
    let last = columns.fields().iter().enumerate().next_back();
    let right = last.filter(|(_, field)| field.data_type().is_numeric());
    write_columns(&table, right.map(|(number, _)| number), out)
}
