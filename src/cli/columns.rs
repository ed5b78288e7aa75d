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
            let blanks = " ".repeat(missing);
            match Some(column) == right {
                true => line.extend([&blanks, cell.as_str(), "  "]),
                false => line.extend([cell.as_str(), &blanks, "  "]),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_be_wider_than_any_terminal() {
        let wide = "x".repeat(100_000);
        let table = [
            vec!["A".to_owned(), "N".to_owned()],
            vec![wide.clone(), "12".to_owned()],
        ];
        let mut out = Vec::new();
        write_columns(&table, Some(1), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().nth(1), Some(format!("{wide}  12").as_str()));
        assert!(text.lines().next().unwrap().ends_with("   N"));
    }
}
