//! Tables for people: cells in columns of the width that a terminal gives them.

use std::io::{self, Write};

use crate::printable::columns;

/// Writes rows of equal length in columns; the cells of the column `right` are aligned at the right.
pub(super) fn write_columns(
    table: &[Vec<String>],
    right: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = |column: usize| table.iter().map(|row| columns(&row[column])).max();
    let count = table.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..count)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    for row in table {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let missing = widths[column] - columns(cell);
            match Some(column) == right {
                true => line.push_str(&format!("{:missing$}{cell}  ", "")),
                false => line.push_str(&format!("{cell}{:missing$}  ", "")),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
