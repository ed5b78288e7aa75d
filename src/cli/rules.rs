//! `rules`: lists the rules in force, also the built-in ones, and how many alerts each has raised if a daemon can be
//! asked; then the suppressions.

mod daemon;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::columns::write_columns;
use super::config_file::ConfigFile;
use super::failure::Failure;
use super::say::say;
use crate::alert::BUILT_IN;
use crate::pipeline::Path;
use crate::printable::{printable, printable_json};
use crate::roles::rulebook::Rulebook;
use crate::rules::{LoadedSuppression, RuleSet};
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

/// One suppression of the list.
#[derive(Serialize)]
struct SuppressionRow {
    /// Its id.
    suppression: String,
    expires: String,
    owner: String,
    source: String,
    title: String,
    reason: String,
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
    let suppressions: Vec<SuppressionRow> = rules.suppressions().iter().map(suppression).collect();
    if command.json {
        write_json(&rows, &mut out)?;
        write_json(&suppressions, &mut out)?;
    } else {
        write_table(&rows, hits.is_some(), &mut out)?;
        write_suppressions(&suppressions, &mut out)?;
    }
    Ok(out.flush()?)
}

fn suppression(loaded: &LoadedSuppression) -> SuppressionRow {
    let suppression = &loaded.suppression;
    SuppressionRow {
        suppression: suppression.id.to_string(),
        expires: suppression.expires(),
        owner: suppression.owner.clone(),
        source: loaded.file.to_string(),
        title: suppression.title.clone(),
        reason: suppression.reason.clone(),
    }
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
fn write_json(rows: &[impl Serialize], out: &mut dyn Write) -> Result<(), Failure> {
    for row in rows {
        let object = serde_json::to_string(row).context("encode a rule or suppression")?;
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
    let table = std::iter::once(head).chain(cells).map(|row| {
        let mut row = row.to_vec();
        if !with_hits {
            row.remove(HITS);
        }
        row
    });
    write_columns(&table.collect::<Vec<_>>(), with_hits.then_some(HITS), out)
}

/// The suppressions under the table of rules, also those that have ended.
fn write_suppressions(suppressions: &[SuppressionRow], out: &mut dyn Write) -> io::Result<()> {
    if suppressions.is_empty() {
        return Ok(());
    }
    let head = ["SUPPRESSION", "ENDS", "OWNER", "SOURCE", "TITLE", "REASON"].map(str::to_owned);
    let cells = suppressions.iter().map(|row| {
        let shown = |text: &str| printable(text).into_owned();
        [
            row.suppression.clone(),
            row.expires.clone(),
            shown(&row.owner),
            shown(&row.source),
            shown(&row.title),
            shown(&row.reason),
        ]
    });
    let table = std::iter::once(head).chain(cells).map(Vec::from);
    writeln!(out)?;
    write_columns(&table.collect::<Vec<_>>(), None, out)
}
