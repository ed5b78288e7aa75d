//! `rules`: lists the rules in force, also the built-in ones, and how many alerts each has raised if a daemon can be
//! asked.

mod daemon;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::config_file::ConfigFile;
use super::failure::Failure;
use super::say::say;
use crate::alert::BUILT_IN;
use crate::pipeline::Path;
use crate::printable::{columns, printable, printable_json};
use crate::roles::rulebook::Rulebook;
use crate::rules::RuleSet;
use daemon::{Daemon, Hits};

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    file: ConfigFile,
    /// Print one JSON object for each rule.
    #[arg(long)]
    json: bool,
    /// The address of the daemon that is asked how many alerts each rule has raised since it was started, such as
    /// http://watchbell:9464. By default that of `http.listen`.
    #[arg(long, value_name = "URL")]
    daemon: Option<String>,
}

/// One rule of the list.
#[derive(Serialize)]
struct Row {
    id: String,
    level: &'static str,
    status: Option<&'static str>,
    version: Option<String>,
    source: String,
    title: String,
    /// Whether the rule is evaluated on every event of its log source, because no line requires a value of a field.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    on_every_event: bool,
    /// How many alerts the rule has raised; `None` if no daemon answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<u64>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.file.load()?;
    let rulebook = Rulebook::load(&config).map_err(Failure::configuration)?;
    let rules = rulebook.rules().snapshot();
    rules.warnings().iter().for_each(say);
    let daemon = match &command.daemon {
        Some(url) => Daemon::at(url),
        None => Daemon::listening_on(config.listen),
    };
    let hits = match daemon.hits() {
        Ok(hits) => Some(hits),
        Err(error) => {
            say(format_args!(
                "the alerts of each rule are not shown: {error}"
            ));
            None
        }
    };
    if let Some(hits) = &hits
        && hits
            .rules_hash
            .as_deref()
            .is_some_and(|hash| hash != rules.hash())
    {
        say("the daemon has other rules in force than the configuration names");
    }
    let rows = rows(&rules, hits.as_ref());
    let mut out = BufWriter::new(io::stdout().lock());
    match command.json {
        true => write_json(&rows, &mut out)?,
        false => write_table(&rows, hits.is_some(), &mut out)?,
    }
    Ok(out.flush()?)
}

/// The rules in the order in which they were read, then the built-in ones that are not disabled.
fn rows(rules: &RuleSet<Path>, hits: Option<&Hits>) -> Vec<Row> {
    let hits = |id: &str| hits.map(|hits| hits.of(id));
    let without_witness: BTreeSet<usize> = rules.without_witness().collect();
    let loaded = rules.rules().iter().enumerate();
    let loaded = loaded.map(|(number, loaded)| Row {
        on_every_event: without_witness.contains(&number),
        id: loaded.rule.id.to_string(),
        level: loaded.level.as_str(),
        status: loaded.rule.status.map(|status| status.as_str()),
        version: Some(loaded.version.clone()),
        source: loaded.file.to_string(),
        title: loaded.rule.title.clone(),
        hits: hits(loaded.rule.id.as_str()),
    });
    let built_in = BUILT_IN.iter().filter_map(|rule| {
        let level = rules.built_in_level(rule.id, rule.level)?;
        Some(Row {
            id: rule.id.to_owned(),
            level: level.as_str(),
            status: None,
            version: None,
            source: "built-in".to_owned(),
            title: rule.title.to_owned(),
            on_every_event: false,
            hits: hits(rule.id),
        })
    });
    loaded.chain(built_in).collect()
}

/// One object on each line; `hits` only if a daemon answered.
fn write_json(rows: &[Row], out: &mut dyn Write) -> Result<(), Failure> {
    for row in rows {
        let object = serde_json::to_string(row).context("encode a rule")?;
        writeln!(out, "{}", printable_json(&object))?;
    }
    Ok(())
}

/// The column of the table with the number of alerts.
const HITS: usize = 3;

/// Columns with a head; what a rule does not have is `-`.
fn write_table(rows: &[Row], with_hits: bool, out: &mut dyn Write) -> io::Result<()> {
    let head = [
        "ID", "LEVEL", "STATUS", "HITS", "VERSION", "SOURCE", "TITLE",
    ]
    .map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let or_dash = |text: Option<&str>| printable(text.unwrap_or("-")).into_owned();
        [
            row.id.clone(),
            row.level.to_owned(),
            or_dash(row.status),
            row.hits.unwrap_or_default().to_string(),
            or_dash(row.version.as_deref()),
            or_dash(Some(&row.source)),
            or_dash(Some(&row.title)),
        ]
    });
    let table: Vec<[String; 7]> = std::iter::once(head).chain(cells).collect();
    let width = |column: usize| table.iter().map(|row| columns(&row[column])).max();
    let widths: Vec<usize> = (0..7)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    for row in &table {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let missing = widths[column] - columns(cell);
            match column {
                HITS if !with_hits => {}
                // Numbers are aligned at the right.
                HITS => line.push_str(&format!("{:missing$}{cell}  ", "")),
                _ => line.push_str(&format!("{cell}{:missing$}  ", "")),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
