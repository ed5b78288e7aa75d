//! `search`: events, alerts or dead letters that meet conditions, the newest first; how many there are, and of what.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use clap::{Args, ValueEnum};
use datafusion::prelude::DataFrame;

use super::conditions::ConditionArgs;
use super::download::{Download, form_of};
use super::output::OutputArgs;
use super::session::{Session, SessionArgs};
use super::table::write_table;
use crate::archive::TableKind;
use crate::cli::failure::Failure;
use crate::cli::json_line::json_line;
use crate::cli::output_topic::OutputTopic;
use crate::cli::say::say;
use crate::cli::terminal::{self, Progress};
use crate::query::Report;
use crate::query::archive::{
    Conditions, Format, Found, Grouping, RowWriter, Unit, record_columns, table_of,
};
use crate::view::{Emitted, line};

/// How many records or groups are printed, unless an option says otherwise.
const DEFAULT_LIMIT: usize = 50;

#[derive(Debug, Args)]
pub(in crate::cli) struct Command {
    /// The records to search.
    #[arg(value_enum, default_value_t = OutputTopic::Events)]
    output_topic: OutputTopic,
    #[command(flatten)]
    session: SessionArgs,
    #[command(flatten)]
    conditions: ConditionArgs,
    /// Print at most this many of the newest records, or of the largest groups [default: 50; all in a file].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print all of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print how many there are.
    #[arg(long, conflicts_with_all = ["by", "histogram", "output", "json", "csv"])]
    count: bool,
    /// Print how many there are of each value of these, such as actor,operation or day,status; columns of the table are
    /// such, too.
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        conflicts_with = "histogram"
    )]
    by: Vec<String>,
    /// Print how many there are in each hour, day, week or month, of all of them.
    #[arg(
        long,
        value_name = "UNIT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "day",
        conflicts_with_all = ["limit", "all"]
    )]
    histogram: Option<HistogramUnit>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HistogramUnit {
    Hour,
    Day,
    Week,
    Month,
}

pub(in crate::cli) fn run(command: &Command) -> Result<(), Failure> {
    command.output.check()?;
    let table = table_of(command.output_topic.content());
    let (config, _) = command.session.load()?;
    let (conditions, asks_alerts) = command.conditions.read(command.output_topic, &config)?;
    let mut tables = vec![table];
    if table == TableKind::Events && asks_alerts {
        tables.push(TableKind::Alerts);
    }
    let search = Search {
        command,
        table,
        conditions,
        session: command.session.open(&tables)?,
    };
    if command.count {
        return search.count();
    }
    if !command.by.is_empty() {
        let columns = command.by.iter().map(|name| grouping(table, name));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut known = HashSet::new();
        columns.retain(|column| known.insert(column.name));
        let engine = &search.session.engine;
        let groups = engine.count_by(table, &search.conditions, &columns, search.limit());
        return search.groups(search.session.wait(groups)?);
    }
    if let Some(unit) = command.histogram {
        let unit = match unit {
            HistogramUnit::Hour => Unit::Hour,
            HistogramUnit::Day => Unit::Day,
            HistogramUnit::Week => Unit::Week,
            HistogramUnit::Month => Unit::Month,
        };
        let counts = search
            .session
            .engine
            .histogram(table, &search.conditions, unit);
        return search.groups(search.session.wait(counts)?);
    }
    match (&command.output.output, command.output.csv) {
        (Some(path), _) if matches!(form_of(path)?.0, Format::Json) => {
            search.download_records(path)
        }
        (Some(path), _) => search.download_rows(path),
        (None, true) => search.csv(),
        (None, false) => search.print(),
    }
}

/// What a word of `--by` stands for.
fn grouping(table: TableKind, name: &str) -> Result<Grouping, Failure> {
    let name = name.trim();
    let grouping = Grouping::of(table, &name.to_lowercase().replace('-', "_"));
    grouping.ok_or_else(|| {
        let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
        let (table, names) = (table.name(), names.join(", "));
        Failure::Usage(format!("--by {name}: the table {table} has no such column; there are actor, resource, access-key, ip, {names}"))
    })
}

/// A search on an opened archive.
struct Search<'c> {
    command: &'c Command,
    table: TableKind,
    conditions: Conditions,
    session: Session,
}

impl Search<'_> {
    /// How many records or groups are given at most; all of them in a file, unless the command says otherwise.
    fn limit(&self) -> Option<usize> {
        let is_all = self.command.all || self.command.output.output.is_some();
        match self.command.limit {
            Some(limit) => Some(limit as usize),
            None => (!is_all).then_some(DEFAULT_LIMIT),
        }
    }

    fn count(&self) -> Result<(), Failure> {
        let count = self.session.engine.count(self.table, &self.conditions);
        let count = self.session.wait(count)?;
        writeln!(io::stdout(), "{count}")?;
        Ok(())
    }

    /// Prints the groups of an answer, or writes them to the file.
    fn groups(&self, groups: DataFrame) -> Result<(), Failure> {
        let columns = std::sync::Arc::new(groups.schema().as_arrow().clone());
        let batches = self.session.wait(groups.collect())?;
        if let Some(path) = &self.command.output.output {
            let mut download = Download::begin(path, Some(&columns), asked())?;
            batches.iter().try_for_each(|rows| download.rows(rows))?;
            return download.finish();
        }
        let mut out = BufWriter::new(io::stdout());
        let format = match (self.command.output.json, self.command.output.csv) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => {
                write_table(&columns, &batches, &mut out)?;
                return Ok(out.flush()?);
            }
        };
        let mut writer = RowWriter::new(format, &columns, out)?;
        batches.iter().try_for_each(|rows| writer.write(rows))?;
        Ok(writer.finish()?.0.flush()?)
    }

    /// Prints the newest records.
    fn print(&self) -> Result<(), Failure> {
        let paint = terminal::paint();
        let mut out = BufWriter::new(io::stdout());
        let mut printed = 0;
        let limit = self.limit();
        self.records(limit, &mut |emitted| {
            let line = match self.command.output.json {
                true => json_line(emitted),
                false => line(emitted, paint),
            };
            printed += 1;
            writeln!(out, "{line}")?;
            // The first page is seen before the others are found.
            if printed == 20 {
                out.flush()?;
            }
            Ok(())
        })?;
        out.flush()?;
        if printed == 0 {
            say("nothing was found");
        } else if Some(printed) == limit {
            say(format_args!(
                "the newest {printed} are shown; --limit or --all shows more"
            ));
        }
        Ok(())
    }

    /// Prints all columns of the newest rows.
    fn csv(&self) -> Result<(), Failure> {
        let columns = self.session.engine.schema(self.table);
        let mut writer = RowWriter::new(Format::Csv, &columns, BufWriter::new(io::stdout()))?;
        self.rows(self.limit(), &mut |found| Ok(writer.write(&found.rows)?))?;
        Ok(writer.finish()?.0.flush()?)
    }

    /// Writes the rows with all columns to a file.
    fn download_rows(&self, path: &std::path::Path) -> Result<(), Failure> {
        let columns = self.session.engine.schema(self.table);
        let mut download = Download::begin(path, Some(&columns), asked())?;
        let progress = Progress::new();
        self.rows(self.limit(), &mut |found| {
            report(&progress, found);
            download.rows(&found.rows)
        })?;
        drop(progress);
        download.finish()
    }

    /// Writes the records to a file.
    fn download_records(&self, path: &std::path::Path) -> Result<(), Failure> {
        let mut download = Download::begin(path, None, asked())?;
        self.records(self.limit(), &mut |emitted| {
            download.line(&json_line(emitted))
        })?;
        download.finish()
    }

    /// Calls `visit` with each of the newest records.
    fn records(
        &self,
        limit: Option<usize>,
        visit: &mut (dyn FnMut(&Emitted<'_>) -> Result<(), Failure> + Send),
    ) -> Result<(), Failure> {
        let progress = self.command.output.output.is_some().then(Progress::new);
        let columns = record_columns(self.table);
        self.found(limit, columns, &mut |found| {
            if let Some(progress) = &progress {
                report(progress, found);
            }
            let mut visited = Ok(());
            let _ = found.each_record(self.table, &mut |record| {
                visited = visit(&Emitted::new(record.clone()));
                match &visited {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            visited
        })
    }

    /// Calls `visit` with the newest rows.
    fn rows(
        &self,
        limit: Option<usize>,
        visit: &mut (dyn FnMut(&Found) -> Result<(), Failure> + Send),
    ) -> Result<(), Failure> {
        let columns = self.table.columns().iter().map(|column| column.name);
        self.found(limit, &columns.collect::<Vec<_>>(), visit)
    }

    /// Calls `visit` with these columns of the newest rows, until it fails.
    fn found(
        &self,
        limit: Option<usize>,
        columns: &[&str],
        visit: &mut (dyn FnMut(&Found) -> Result<(), Failure> + Send),
    ) -> Result<(), Failure> {
        let mut visited = Ok(());
        let mut found = |found: &Found| {
            visited = visit(found);
            match &visited {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let engine = &self.session.engine;
        let answer = engine.newest(self.table, &self.conditions, limit, columns, &mut found);
        self.session.wait(answer)?;
        visited
    }
}

fn report(progress: &Progress, found: &Found) {
    let text = format!("{} of {} days", found.searched_days, found.days);
    progress.report(Report::Looked(&text));
}

/// What was asked, for the manifest: the command line.
fn asked() -> String {
    let words = std::env::args().skip(1);
    let quoted = words.map(|word| {
        match word.contains(|letter: char| {
            letter.is_whitespace() || "'\"$`\\*?;&|<>(){}".contains(letter)
        }) {
            true => format!("'{}'", word.replace('\'', r"'\''")),
            false => word,
        }
    });
    format!("watchbell {}", quoted.collect::<Vec<_>>().join(" "))
}
