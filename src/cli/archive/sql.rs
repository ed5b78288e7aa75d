//! `sql`: a question to the archive in SQL, read-only. The tables are those of [`TableKind`].

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use arrow::array::RecordBatch;
use clap::Args;

use super::download::Download;
use super::output::OutputArgs;
use super::session::SessionArgs;
use super::table::write_table;
use crate::archive::TableKind;
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::query::archive::{Format, RowWriter};

/// The stack on which a question is planned; it is used as far as it is needed.
const STACK_BYTES: usize = 1 << 30;

/// Most rows that are shown as a table; more of them nobody reads.
const TABLE_ROWS: usize = 1_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct Command {
    /// The question, such as "SELECT actor_name, count(*) FROM events WHERE day = '2026-03-14' GROUP BY 1".
    #[arg(value_name = "SQL")]
    query: String,
    #[command(flatten)]
    session: SessionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(in crate::cli) fn run(command: &Command) -> Result<(), Failure> {
    // A question is read and planned by recursion, and nobody limits how deep it is.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let answer = thread.spawn_scoped(scope, || answer(command));
        let answer = answer.context("start a thread")?;
        match answer.join() {
            Ok(answered) => answered,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn answer(command: &Command) -> Result<(), Failure> {
    command.output.check()?;
    let session = command.session.open(&TableKind::ALL)?;
    let answer = session.answer(&command.query)?;
    let columns = &answer.columns;
    let format = match (
        &command.output.output,
        command.output.json,
        command.output.csv,
    ) {
        (Some(path), ..) => {
            let mut download = Download::begin(path, Some(columns), command.query.clone())?;
            while let Some(batch) = answer.next()? {
                download.rows(&batch)?;
            }
            return download.finish();
        }
        (None, true, _) => Format::Json,
        (None, _, true) => Format::Csv,
        (None, ..) => {
            let mut shown: Vec<RecordBatch> = Vec::new();
            let mut count = 0;
            while let Some(batch) = answer.next()?
                && count < TABLE_ROWS
            {
                let batch = batch.slice(0, batch.num_rows().min(TABLE_ROWS - count));
                count += batch.num_rows();
                shown.push(batch);
            }
            let mut out = BufWriter::new(io::stdout().lock());
            write_table(columns, &shown, &mut out)?;
            out.flush()?;
            if count == TABLE_ROWS {
                say(format_args!(
                    "only the first {TABLE_ROWS} rows are shown; --csv, --json and --output give all of them"
                ));
            }
            return Ok(());
        }
    };
    let out = BufWriter::new(io::stdout());
    let mut writer = RowWriter::new(format, columns, out)?;
    while let Some(batch) = answer.next()? {
        writer.write(&batch)?;
    }
    let (mut out, _) = writer.finish()?;
    Ok(out.flush()?)
}
