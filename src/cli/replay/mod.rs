//! `replay`: runs files through the pipeline, with the rules of all packs or others, and prints the result.
//! It uses all cores and keeps the order of the input; its memory does not grow with the input.

pub(super) mod emit;
mod summary;
mod unread_text;
mod work;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::config_file::load_config;
use super::failure::Failure;
use super::say::{report_panics, say};
use super::shipped;
use crate::alert::BUILT_IN;
use crate::files::{FileReader, Report};
use crate::pipeline::{OutputList, Pipeline};
use crate::roles::rulebook::Rulebook;
use crate::rules::{Overrides, RuleSource};
use emit::Emit;
use unread_text::UnreadText;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Files with JSON, JSON arrays or NDJSON, also between lines of other text; plain or gzip; `-` is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What to print: whole records, or only the values of one topic.
    #[arg(long, value_enum, default_value_t = Emit::All)]
    emit: Emit,
    /// The configuration file with the rules, their overrides, the names file and the names of the topics. Without it:
    /// the rules of all packs, no names, and the default names of the topics.
    #[arg(short = 'c', long = "config", value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Rule files, directories with rules, or packs such as pack:confluent, in place of the rules of the configuration.
    /// May be given several times.
    #[arg(long, value_name = "RULES")]
    rules: Vec<RuleSource>,
    /// The names file, in place of that of the configuration.
    #[arg(long, value_name = "NAMES")]
    names: Option<PathBuf>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let (rulebook, outputs) = command.load()?;
    report_panics();
    let (catalogs, rules, names) = (rulebook.catalogs(), rulebook.rules(), rulebook.names());
    let job = work::Job {
        // It limits records to the default size limit of topics, so that the output is the same as the daemon's.
        pipeline: Pipeline::new(outputs.clone(), catalogs, rules, names).replaying(),
        emit: command.emit,
        outputs,
        now_ms: jiff::Timestamp::now().as_millisecond(),
    };
    let bar = progress_bar(&command.files);
    let started = Instant::now();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let read = |work: &mut work::Sender| {
        let mut unread = UnreadText::default();
        for path in &command.files {
            let mut report = Report::default();
            let read = read_file(path, &bar, work, &mut report);
            let name = path.display().to_string();
            if let Err(error) = &read {
                let records = match report.records {
                    0 => String::new(),
                    records => format!(" (after {} records)", HumanCount(records)),
                };
                bar.suspend(|| say(format_args!("watchbell: {name}: {error}{records}")));
            }
            unread.add(&name, report, read.is_ok());
        }
        unread
    };
    let (summary, unread) = work::run(&job, read, |lines| out.write_all(lines))
        .and_then(|done| out.flush().map(|()| done))?;
    bar.finish_and_clear();
    let mut text = summary.text(started.elapsed(), |rule| title(&rulebook, rule));
    text += &unread.text();
    say(text.trim_end());
    match unread.failure() {
        None => Ok(()),
        Some(failure) => Err(anyhow!(failure).into()),
    }
}

impl Command {
    /// Reads the rules and names, and what the topics are called. Shows the warnings.
    fn load(&self) -> Result<(Rulebook, OutputList), Failure> {
        let config = self.config.as_deref().map(load_config).transpose()?;
        let (mut rules, mut names, overrides, outputs) = match config {
            Some(config) => (config.rules, config.names, config.overrides, config.outputs),
            None => (
                shipped::packs(),
                None,
                Overrides::default(),
                shipped::outputs(),
            ),
        };
        if !self.rules.is_empty() {
            rules.clone_from(&self.rules);
        }
        names = self.names.clone().or(names);
        let rulebook = Rulebook::read(rules, overrides, names).map_err(Failure::configuration)?;
        rulebook.rules().snapshot().warnings().iter().for_each(say);
        Ok((rulebook, outputs))
    }
}

/// The title of the rule with this id, which may be a built-in one; the id itself if there is no such rule.
fn title(rulebook: &Rulebook, rule: &str) -> String {
    let rules = rulebook.rules().snapshot();
    let mut loaded = rules.rules().iter();
    if let Some(found) = loaded.find(|found| found.rule.id.as_str() == rule) {
        return found.rule.title.clone();
    }
    let built_in = BUILT_IN.iter().find(|built_in| built_in.id == rule);
    built_in.map_or(rule, |built_in| built_in.title).to_owned()
}

/// Sends the contents of a file to be processed. `report` gets the summary of what was read, also after an error.
fn read_file(
    path: &Path,
    bar: &ProgressBar,
    work: &mut work::Sender,
    report: &mut Report,
) -> io::Result<()> {
    let (name, raw): (String, Box<dyn Read + Send>) = if path == Path::new("-") {
        ("stdin".to_owned(), Box::new(io::stdin()))
    } else {
        (path.display().to_string(), Box::new(File::open(path)?))
    };
    let mut reader = FileReader::new(bar.wrap_read(raw))?;
    let result = send_all(&name, &mut reader, work);
    *report = reader.report();
    result
}

fn send_all(name: &str, reader: &mut FileReader, work: &mut work::Sender) -> io::Result<()> {
    for batch in reader {
        if !work.send(name, batch?) {
            break;
        }
    }
    Ok(())
}

/// A bar with the share of the bytes that was read. It is hidden unless standard error is a terminal and standard
/// output, whose lines it would disturb, is not.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    if io::stdout().is_terminal() || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let size = |path: &PathBuf| {
        let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(found.len())
    };
    let total: Option<u64> = files.iter().map(size).sum();
    let template = match total {
        Some(_) => "{wide_bar} {percent:>3} % of {total_bytes}, {bytes_per_sec}, {eta} left",
        None => "{spinner} {bytes} read, {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template)
        .context("a template of the progress bar")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style)
}
