//! `replay`: runs files or a source topic through the pipeline, with the rules of all packs or others, and prints the
//! result or a summary of it. It uses all cores and keeps the order of the input; its memory does not grow with the
//! input.

mod baseline;
mod destination;
pub(super) mod emit;
mod from_files;
mod from_topic;
mod input;
mod report;
mod summary;
#[cfg(feature = "archive")]
mod to_archive;
mod to_topics;
mod unread_text;
mod work;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::config_file::load_config;
use super::failure::Failure;
use super::lookup_args::LookupArgs;
use super::say::{report_panics, say};
use super::shipped;
use super::signals::shutdown_on_signal;
use crate::alert::BUILT_IN;
use crate::config::{Config, Source};
use crate::kafka::session::Shutdown;
use crate::pipeline::{OutputList, Pipeline};
use crate::query::PastTime;
use crate::roles::rulebook::{Rulebook, RulebookFiles};
use crate::rules::RuleSource;
use crate::view::printable_json;
use baseline::{Baseline, Comparison};
use destination::Destination;
use emit::Emit;
use from_files::OpenFile;
use from_topic::TopicRange;
use report::{Report, counted};
use work::Print;

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Files with JSON, JSON arrays or NDJSON, also between lines of other text; plain or gzip; `-` is
    /// standard input.
    #[arg(
        required_unless_present = "topic",
        conflicts_with = "topic",
        value_name = "FILE"
    )]
    files: Vec<PathBuf>,
    /// Replay the topic of a source of the configuration, in place of files. The topic or the name of the source.
    #[arg(long, value_name = "TOPIC", requires = "config")]
    topic: Option<String>,
    /// Only the topic's records that were written at this time or later: a duration before now, such as 7d or 12h, or
    /// a time.
    #[arg(long, value_name = "TIME", requires = "topic")]
    from: Option<PastTime>,
    /// Only the topic's records that were written before this time.
    #[arg(long, value_name = "TIME", requires = "topic")]
    to: Option<PastTime>,
    /// What to print: whole records, or only the values of one topic.
    #[arg(long, value_enum, default_value_t = Emit::All)]
    emit: Emit,
    /// Write the records to the topics of the configuration, by its routes, in place of printing them. Alerts are
    /// labelled, so sinks do not send them, and so are events. What is replayed twice is written twice.
    #[arg(long, requires = "config", conflicts_with_all = ["emit", "summary", "json", "baseline", "max_alerts_per_day"])]
    to_topics: bool,
    /// Write the records to the tables of the configuration's archive, as if they had come from the topics: each event of a
    /// file once, however often the file is replayed, and none that is there already. What was stopped goes on where it
    /// was. Alerts are labelled, and sinks are told of none.
    #[arg(long, requires = "config", conflicts_with_all = ["topic", "to_topics", "emit", "summary", "json", "baseline", "max_alerts_per_day"])]
    to_archive: bool,
    /// Print, in place of records, the number of alerts of each rule by day, with samples.
    #[arg(long, conflicts_with = "emit")]
    summary: bool,
    /// Print the summary as JSON, which --baseline reads.
    #[arg(long, requires = "summary")]
    json: bool,
    /// Print what has changed since this earlier summary: rules with new, more, fewer or no alerts.
    #[arg(long, value_name = "SUMMARY", requires = "summary")]
    baseline: Option<PathBuf>,
    /// Fail if there is a day with more alerts than this. Days are those of the events, in UTC.
    #[arg(long, value_name = "N", requires = "summary")]
    max_alerts_per_day: Option<u64>,
    /// The configuration file with the rules, their overrides, the files of names and networks and the names of the
    /// topics. Without it: the rules of all packs, no names and networks, and the default names of the topics.
    #[arg(short = 'c', long = "config", value_name = "CONFIG")]
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
}

/// What is replayed.
enum Replayed<'c> {
    Files(&'c [PathBuf]),
    Topic(TopicRange),
}

/// How the reading of the input ended.
struct ReadResult {
    /// What is to be reported of the input, as lines.
    report: String,
    /// An error if not everything was read.
    complete: anyhow::Result<()>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.as_deref().map(load_config).transpose()?;
    if command.emit == Emit::Routed && config.is_none() {
        return Err(Failure::Usage(
            "--emit routed needs a configuration, given with -c".into(),
        ));
    }
    let source = command.source(config.as_ref())?;
    let (rulebook, outputs) = command.load_rules(config.as_ref())?;
    let baseline = command.baseline.as_deref().map(Baseline::read);
    let baseline = baseline.transpose()?;
    report_panics();
    let replayed = command.replayed(source)?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let stop = match command.to_archive {
        true => shutdown_on_signal()?,
        // A signal ends the process, as it ends any other.
        false => Shutdown::default(),
    };
    let mut destination = command.destination(config.as_ref(), now_ms, &stop)?;
    let (catalogs, rules) = (rulebook.catalogs(), rulebook.rules());
    // It limits records to the default size limit of topics, so that the output is the same as the daemon's.
    let pipeline = Pipeline::new(outputs.clone(), catalogs, rules, rulebook.lookups());
    let mut pipeline = pipeline.replaying(command.stores());
    if let Some(config) = &config
        && (command.stores() || command.emit == Emit::Routed)
    {
        pipeline = pipeline
            .routed(Arc::clone(&config.routes), config.noise)
            .private(config.privacy.clone());
    }
    if let Some(outputs) = destination.outputs() {
        pipeline.set_outputs(outputs.clone());
    }
    let job = work::Job {
        pipeline: match source {
            Some((_, source)) => pipeline.of_source(&source.name),
            None => pipeline,
        },
        print: destination.print().unwrap_or(match command.summary {
            true => Print::Summary,
            false => Print::Records(command.emit),
        }),
        outputs,
        now_ms,
    };
    let bar = progress_bar(
        (&replayed, destination.passes()),
        command.summary || command.stores(),
    );
    let started = Instant::now();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut open = destination.opener()?;
    let is_stopped = || stop.is_requested();
    let read = |work: &mut work::Sender| replayed.read((&mut *open, &is_stopped), &bar, work);
    let done = work::run(&job, read, |done| destination.write(done, &mut out));
    let done = done.map_err(|error| destination.failure(error));
    let done = done.and_then(|done| destination.finish().map(|()| done));
    bar.finish_and_clear();
    say_lines(&destination.text());
    let (summary, read) = done?;
    let title = |rule: &str| title(&rulebook, rule);
    let mut problems = Vec::new();
    if command.summary {
        let report = Report::new(&summary, title);
        out.write_all(command.summary_text(&report, baseline.as_ref())?.as_bytes())?;
        problems.extend(command.too_many_alerts(&report));
    }
    out.flush()?;
    let mut text = summary.text(started.elapsed(), !command.summary, title);
    text += &read.report;
    say_lines(&text);
    problems.extend(read.complete.err().map(|error| format!("{error:#}")));
    if stop.is_requested() {
        problems.push("stopped; the same command goes on from there".to_owned());
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(anyhow!(problems.join("; ")).into()),
    }
}

/// Says these lines, if there are any.
fn say_lines(text: &str) {
    if !text.is_empty() {
        say(text.trim_end());
    }
}

impl Command {
    /// Whether the records are written to the topics or to the archive.
    fn stores(&self) -> bool {
        self.to_topics || self.to_archive
    }

    fn destination(
        &self,
        config: Option<&Config>,
        now_ms: i64,
        stop: &Shutdown,
    ) -> Result<Destination, Failure> {
        match config {
            Some(config) if self.to_topics => Destination::topics(config),
            Some(config) if self.to_archive => Destination::archive(config, now_ms, stop),
            _ => Ok(Destination::Output),
        }
    }

    /// The source whose topic is replayed, and the configuration that it is in.
    fn source<'c>(
        &self,
        config: Option<&'c Config>,
    ) -> Result<Option<(&'c Config, &'c Source)>, Failure> {
        match (&self.topic, config) {
            (Some(name), Some(config)) => Ok(Some((config, from_topic::source(config, name)?))),
            _ => Ok(None),
        }
    }

    fn replayed(&self, source: Option<(&Config, &Source)>) -> Result<Replayed<'_>, Failure> {
        let Some(source) = source else {
            return Ok(Replayed::Files(&self.files));
        };
        let stop = shutdown_on_signal()?;
        let range = TopicRange::find(source, (self.from, self.to), stop)?;
        Ok(Replayed::Topic(range))
    }

    /// Reads the rules and names, and what the topics are called. Shows the warnings.
    fn load_rules(&self, config: Option<&Config>) -> Result<(Rulebook, OutputList), Failure> {
        let (mut files, outputs) = match config {
            Some(config) => (RulebookFiles::of(config), config.outputs.clone()),
            None => (shipped::rulebook_files(), shipped::outputs()),
        };
        if !self.rules.is_empty() {
            files.rules.clone_from(&self.rules);
        }
        files.lookups = self.lookups.files(config);
        files.placeholders = self.placeholders.clone().or(files.placeholders);
        let rulebook = Rulebook::read(files).map_err(Failure::configuration)?;
        rulebook.rules().snapshot().warnings().iter().for_each(say);
        Ok((rulebook, outputs))
    }

    /// What `--summary` prints: the summary, or what has changed since the baseline, as text or JSON.
    fn summary_text(&self, report: &Report, baseline: Option<&Baseline>) -> anyhow::Result<String> {
        if !self.json {
            return Ok(match baseline {
                Some(baseline) => baseline.text(report),
                None => report.text(),
            });
        }
        #[derive(Serialize)]
        struct Document<'r> {
            #[serde(flatten)]
            report: &'r Report,
            #[serde(skip_serializing_if = "Option::is_none")]
            comparison: Option<Comparison>,
        }
        let comparison = baseline.map(|baseline| baseline.compare(report));
        let document = serde_json::to_string_pretty(&Document { report, comparison });
        let document = document.context("write the summary as JSON")?;
        let lines = document.lines().map(printable_json);
        Ok(lines.map(|line| format!("{line}\n")).collect())
    }

    /// An error text if there is a day with more alerts than `--max-alerts-per-day` allows.
    fn too_many_alerts(&self, report: &Report) -> Option<String> {
        let most = self.max_alerts_per_day?;
        let days = report.days().into_iter().filter(|(_, count)| *count > most);
        let days: Vec<String> = days
            .map(|(day, count)| format!("{day} has {count}"))
            .collect();
        (!days.is_empty()).then(|| {
            format!(
                "more than {} on a day: {}",
                counted(most, "alert"),
                days.join(", ")
            )
        })
    }
}

impl Replayed<'_> {
    /// `how` is how files are opened, and whether a stop was requested.
    fn read(
        &self,
        how: (&mut OpenFile<'_>, &(dyn Fn() -> bool + Sync)),
        bar: &ProgressBar,
        work: &mut work::Sender,
    ) -> ReadResult {
        match self {
            Replayed::Files(files) => {
                let unread = from_files::read(files, how, bar, work);
                ReadResult {
                    report: unread.text(),
                    complete: unread
                        .failure()
                        .map_or(Ok(()), |failure| Err(anyhow!(failure))),
                }
            }
            Replayed::Topic(range) => ReadResult {
                report: String::new(),
                complete: range.read(bar, work),
            },
        }
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

/// A bar with the share of the bytes or offsets that was read. It is hidden unless standard error is a terminal and
/// standard output, whose lines it would disturb, is not; a summary is printed only after the bar is gone.
/// Files are read `passes` times.
fn progress_bar((replayed, passes): (&Replayed<'_>, u64), is_quiet: bool) -> ProgressBar {
    let disturbs = io::stdout().is_terminal() && !is_quiet;
    if disturbs || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (total, template) = match replayed {
        Replayed::Files(files) => match from_files::size(files) {
            Some(total) if passes > 1 => (
                Some(total * passes),
                "{wide_bar} {percent:>3} %, {elapsed}, {eta} left",
            ),
            Some(total) => (
                Some(total),
                "{wide_bar} {percent:>3} % of {total_bytes}, {bytes_per_sec}, {eta} left",
            ),
            None => (None, "{spinner} {bytes} read, {bytes_per_sec}"),
        },
        Replayed::Topic(range) => (
            Some(range.len()),
            "{wide_bar} {percent:>3} % of {human_len} records, {per_sec}, {eta} left",
        ),
    };
    let style = ProgressStyle::with_template(template)
        .context("a template of the progress bar")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style)
}
