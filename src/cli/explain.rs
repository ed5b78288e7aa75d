//! `explain`: what one rule answers for an event, as the condition of the rule with the answer of each part and the
//! values of the event. The event is in a file, as the vendor wrote it, or in the topics, as watchbell wrote it.

mod count;
mod rule;
mod stored;

use std::io::{self, BufWriter, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use clap::Args;

use self::count::Count;
use self::rule::{RuleFiles, RuleUnderTest};
use super::config_file::load_config;
use super::event_file::{self, STANDARD_INPUT};
use super::explainer::Explainer;
use super::failure::Failure;
use super::lookup_args::LookupArgs;
use super::say::{report_panics, say};
use super::{shipped, terminal};
use crate::config::Config;
use crate::diagnostic::Problem;
use crate::files::{FileReader, Piece};
use crate::input_file;
use crate::pipeline::Pipeline;
use crate::query::PastTime;
use crate::roles::rulebook::read_lookups;
use crate::rules::{CurrentRules, RuleSource};
use crate::sigma::Suppression;
use crate::view::{printable, rule_outcome};

/// The configuration that is read if none is named.
const DEFAULT_CONFIG: &str = "watchbell.yaml";

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The id, the title or the source of a rule, as the command `rules` lists them, or a file with one rule.
    #[arg(value_name = "RULE")]
    rule: String,
    /// A file with events as the vendor writes them (`-` is standard input); or the id of an event or alert, or its
    /// topic/partition@offset, as for the command `show`.
    #[arg(long, value_name = "FILE|ID|POSITION")]
    event: String,
    /// Explain only the Nth event of the file: in NDJSON, that of line N.
    #[arg(long, value_name = "N")]
    line: Option<NonZero<u64>>,
    /// The configuration file, with the rules, the names and the clusters. Without it, the rules are those of all
    /// packs; for an event in the topics it is watchbell.yaml.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Rule files, directories with rules, or packs such as pack:confluent, in place of the rules of the configuration.
    /// May be given several times.
    #[arg(long, value_name = "RULES")]
    rules: Vec<RuleSource>,
    #[command(flatten)]
    lookups: LookupArgs,
    /// The file with the values of placeholders in rules, in place of that of the configuration.
    #[arg(long, value_name = "PLACEHOLDERS")]
    placeholders: Option<PathBuf>,
    /// Search the topics only for records that were written since this time: a duration before now, such as 12h, or a
    /// time.
    #[arg(long, value_name = "TIME")]
    since: Option<PastTime>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let is_file = command.event == STANDARD_INPUT || Path::new(&command.event).exists();
    if is_file {
        return explained(command, is_file);
    }
    explained(command, is_file).map_err(|failure| failure.noted(&command.taken_for_an_id()))
}

fn explained(command: &Command, is_file: bool) -> Result<(), Failure> {
    let config = match &command.config {
        Some(path) => Some(load_config(path)?),
        None if !is_file => Some(load_config(Path::new(DEFAULT_CONFIG))?),
        None => None,
    };
    let files = RuleFiles {
        sources: &command.rules,
        placeholders: command.placeholders.as_deref(),
        config: config.as_ref(),
    };
    let rule = RuleUnderTest::load(&command.rule, &files)?;
    report_panics();
    let mut out = BufWriter::new(io::stdout().lock());
    let count = match (&config, is_file) {
        (Some(_), false) if command.line.is_some() => {
            return Err(Failure::Usage("--line is for an event in a file".into()));
        }
        (Some(config), false) => {
            stored::explain((&command.event, command.since), config, &rule, &mut out)?
        }
        _ => explain_file(command, config.as_ref(), rule, &mut out)?,
    };
    out.flush()?;
    let Count { events, matches } = count;
    say(format_args!(
        "the rule matches {matches} of {events} events"
    ));
    Ok(())
}

impl Command {
    /// What `--event` was taken for, if there is no such file.
    fn taken_for_an_id(&self) -> String {
        let event = &self.event;
        let near = match input_file::open(Path::new(event)) {
            Err(Problem {
                remedy: Some(remedy),
                ..
            }) if remedy.starts_with("did you mean") => format!("\n  help: {remedy}"),
            _ => String::new(),
        };
        format!(
            "there is no file `{event}`, so it was taken for the id or the position of a record in the topics of \
             the configuration{near}"
        )
    }
}

/// Explains every event of the file, or the one that `--line` names.
fn explain_file(
    command: &Command,
    config: Option<&Config>,
    rule: RuleUnderTest,
    out: &mut dyn Write,
) -> Result<Count, Failure> {
    let lookups = read_lookups(&command.lookups.files(config)).map_err(Failure::configuration)?;
    let lookups = Arc::new(ArcSwap::from_pointee(lookups));
    let RuleUnderTest {
        catalogs,
        rules,
        index,
    } = rule;
    let rules = Arc::new(CurrentRules::new(rules));
    let in_force = rules.snapshot();
    let pipeline = Pipeline::new(shipped::outputs(), Arc::new(catalogs), rules, lookups);
    let explainer = Explainer::new(&pipeline, &in_force);
    let (mut count, mut pieces) = (Count::default(), 0);
    let wanted = command.line.map(NonZero::get);
    for batch in open(&command.event)? {
        let batch = batch.with_context(|| format!("read {}", command.event))?;
        for (number, (_, piece)) in (pieces + 1..).zip(batch.pieces()) {
            if wanted.is_none_or(|wanted| wanted == number) {
                explain_piece(
                    &explainer,
                    index,
                    (&command.event, number),
                    piece,
                    &mut count,
                    out,
                )?;
            }
        }
        pieces += batch.len() as u64;
    }
    match wanted {
        Some(wanted) if wanted > pieces => {
            Err(anyhow!("{} has only {pieces} events", command.event).into())
        }
        None if pieces == 0 => Err(anyhow!("no event in {}", command.event).into()),
        _ => Ok(count),
    }
}

fn open(name: &str) -> Result<FileReader, Failure> {
    let raw = event_file::open(Path::new(name));
    let raw = raw.map_err(|problem| anyhow!("{name}: {problem}"))?;
    let reader = FileReader::new(raw).with_context(|| format!("read {name}"))?;
    Ok(reader)
}

/// Explains what one place of the file holds: an event, a list of events, or text that is no event.
fn explain_piece(
    explainer: &Explainer<'_>,
    index: usize,
    (file, number): (&str, u64),
    piece: Piece<'_>,
    count: &mut Count,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = terminal::paint();
    let place = printable(file);
    let text = match piece {
        Piece::Event(text) => text,
        Piece::Fault { detail, .. } => {
            return writeln!(out, "{place}:{number}: no event: {}", printable(detail));
        }
        Piece::Unread { .. } => {
            return writeln!(
                out,
                "{place}:{number}: no event: larger than the limit for one event"
            );
        }
    };
    let explained = explainer.explain(index, text, paint);
    for letter in &explained.dead_letters {
        writeln!(out, "{place}:{number}: {letter}")?;
    }
    let mut events = explained.events.iter();
    for (outcome, suppression) in explained.rule_outcomes.iter().zip(&explained.suppressions) {
        let event = events.next().map_or("", String::as_str);
        writeln!(out, "{place}:{number}: {event}")?;
        out.write_all(rule_outcome(outcome, 2, paint).as_bytes())?;
        if let Some(loaded) = suppression.filter(|_| outcome.matches()) {
            let text = suppressed(&loaded.suppression);
            writeln!(out, "  {}", printable(&text))?;
        }
        count.add(outcome);
    }
    Ok(())
}

fn suppressed(suppression: &Suppression) -> String {
    let (title, owner, reason) = (&suppression.title, &suppression.owner, &suppression.reason);
    let expires = suppression.expires();
    format!("its alert is suppressed until {expires} by `{title}` of {owner}: {reason}")
}
