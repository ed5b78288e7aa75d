//! Reads CSV with a header, for files that are possible as YAML, too. A column may be absent, and a cell empty, unless
//! it is required; cells and columns are named in problems, with their line.

use crate::diagnostic::{Mark, Problem};
use crate::yaml::YamlReader;

/// The columns of a file.
pub(super) struct Columns {
    /// Every column that it can have.
    pub(super) known: &'static [&'static str],
    /// Those that it must have, with a value in every row.
    pub(super) required: &'static [&'static str],
}

/// One row.
pub(super) struct Row<'r> {
    header: &'r csv::StringRecord,
    cells: &'r csv::StringRecord,
    /// The beginning of its first line.
    pub(super) mark: Mark,
}

impl<'r> Row<'r> {
    /// The name of the column and the text of each cell that is not empty.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'r str, &'r str)> {
        let cells = self.header.iter().zip(self.cells);
        cells.filter(|(_, cell)| !cell.is_empty())
    }

    /// The cell of a column; empty without one.
    pub(super) fn cell(&self, column: &str) -> &'r str {
        let found = self.cells().find(|(name, _)| *name == column);
        found.map_or("", |(_, cell)| cell)
    }
}

impl Columns {
    /// Reads the rows of a text in their order. None is read if the header is wrong, and one with an error in the
    /// CSV itself is left out.
    pub(super) fn rows(
        &self,
        text: &str,
        reader: &mut YamlReader,
        mut read: impl FnMut(&Row<'_>, &mut YamlReader),
    ) {
        let mut rows = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = match rows.headers().cloned() {
            Ok(header) => header,
            Err(error) => return reader.report(problem(text, &error)),
        };
        if !self.check(&header, reader) {
            return;
        }
        // The CSV reader takes everything after a quote that is not closed for one cell.
        let is_quote_open = text.matches('"').count() % 2 == 1;
        for cells in rows.records() {
            let cells = match cells {
                Ok(cells) => cells,
                Err(error) => {
                    reader.report(problem(text, &error));
                    continue;
                }
            };
            let mark = cells.position().map(|at| mark_at(text, at.byte()));
            let row = Row {
                header: &header,
                cells: &cells,
                mark: mark.unwrap_or(Mark::START),
            };
            for (column, cell) in header.iter().zip(&cells) {
                if is_quote_open && cell.contains('\n') {
                    let message = format!("the quote of the `{column}` is not closed in its line");
                    let problem = Problem::error(row.mark, message);
                    reader.report(problem.remedy("close it, so that the lines after it are read"));
                }
                if cell.is_empty() && self.required.contains(&column) {
                    let message = format!("the `{column}` is empty");
                    let problem = Problem::error(row.mark, message);
                    reader.report(problem.remedy("write it, or remove the line"));
                }
            }
            read(&row, reader);
        }
    }

    /// Whether the header is correct, so that the rows can be read.
    fn check(&self, header: &csv::StringRecord, reader: &mut YamlReader) -> bool {
        for (index, column) in header.iter().enumerate() {
            let known = self.known.iter().map(|known| (*known, ()));
            reader.word(column, Mark::START, "column", known);
            if header.iter().take(index).any(|earlier| earlier == column) {
                let message = format!("a second column `{column}`");
                let problem = Problem::error(Mark::START, message);
                reader.report(problem.remedy("remove one of the two"));
            }
        }
        for required in self.required {
            if !header.iter().any(|column| column == *required) {
                let message = format!("the header has no column `{required}`");
                let columns = self.known.join(",");
                let remedy = format!("begin the file with a line such as `{columns}`");
                reader.report(Problem::error(Mark::START, message).remedy(remedy));
            }
        }
        reader.is_content()
    }
}

fn problem(text: &str, error: &csv::Error) -> Problem {
    let mark = error
        .position()
        .map_or(Mark::START, |at| mark_at(text, at.byte()));
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells where the header has {expected_len}"),
        _ => "not readable as CSV".to_owned(),
    };
    let remedy =
        "write as many cells as the header has; quote a cell that contains a comma or a quote";
    Problem::error(mark, message).remedy(remedy)
}

/// The line of a row. The CSV reader's position is before the empty lines that it skips.
fn mark_at(text: &str, byte: u64) -> Mark {
    let bytes = text.as_bytes();
    let start = usize::try_from(byte).map_or(bytes.len(), |byte| byte.min(bytes.len()));
    let (before, rest) = bytes.split_at(start);
    let skipped = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    let newlines = before
        .iter()
        .chain(skipped)
        .filter(|b| **b == b'\n')
        .count();
    Mark {
        line: u32::try_from(newlines + 1).unwrap_or(u32::MAX),
        column: 1,
    }
}
