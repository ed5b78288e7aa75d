//! `tail`: prints the newest events, alerts or dead letters, and then new ones as they arrive, as lines for a
//! person or as JSON. It reads committed records only, joins no group and writes nothing.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;

use super::config_file::ConfigFile;
use super::failure::Failure;
use super::filters::{self, NamedText};
use super::json_line::json_line;
use super::output_topic::OutputTopic;
use super::say::say;
use super::signals::shutdown_on_signal;
use super::terminal;
use crate::event::{Offset, RawRecord};
use crate::kafka::Span;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{TopicRead, TopicReader};
use crate::query::{self, PastTime};
use crate::roles::rulebook::read_placeholders;
use crate::sigma::{Placeholders, Scratch};
use crate::view::{At, Emitted, Filter, Paint, RecordKind, line};

/// How many of the newest records are printed first, unless an option says otherwise.
const DEFAULT_LINES: usize = 10;

/// The longest time for which a line is buffered.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The records to print.
    #[arg(value_enum, default_value_t = OutputTopic::Events)]
    output: OutputTopic,
    #[command(flatten)]
    config: ConfigFile,
    /// Print values as JSON, one per line; dead letters with topic, position and headers.
    #[arg(long)]
    json: bool,
    /// Show only records that match this selection, in the syntax of rules; if given several times,
    /// all must match.
    ///
    /// Examples: 'api.operation|startswith: Delete', 'status: Failure', '{user.name: Jane Doe,
    /// resources.type: STATEMENT}', or a keyword: '*orders*'. For dead letters, fields are
    /// headers: 'watchbell-reason: not_json'.
    #[arg(long, value_name = "SELECTION")]
    filter: Vec<String>,
    /// Show only records that match the detection in this file, which may be a rule.
    #[arg(long, value_name = "FILE")]
    filter_file: Vec<PathBuf>,
    /// Start at the oldest record.
    #[arg(long, conflicts_with_all = ["since", "lines"])]
    from_beginning: bool,
    /// Start with records that were written since this time: a duration before now, such as 10m, or a time.
    #[arg(long, value_name = "TIME", conflicts_with = "lines")]
    since: Option<PastTime>,
    /// Start with this many of the newest records [default: 10].
    #[arg(short = 'n', long, value_name = "COUNT")]
    lines: Option<usize>,
    /// Stop at the current end of the topic.
    #[arg(long)]
    no_follow: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let placeholders = read_placeholders(config.placeholders.as_deref());
    let placeholders = placeholders.map_err(Failure::configuration)?;
    let filter = filter(command, &placeholders)?;
    let topic = command.output.name(&config.outputs);
    let stop = shutdown_on_signal()?;
    let mut printer = Printer {
        out: BufWriter::new(io::stdout().lock()),
        json: command.json,
        paint: terminal::paint(),
        filter,
        flushed: Instant::now(),
        scratch: Scratch::default(),
    };
    let reader = query::reader(&config, topic)?;
    tail(command, &reader, &stop, &mut printer)
}

/// The filter of all `--filter` and `--filter-file` options.
fn filter(command: &Command, placeholders: &Placeholders) -> Result<Filter, Failure> {
    let mut texts: Vec<NamedText> = Vec::new();
    let several = command.filter.len() > 1;
    for (number, text) in (1..).zip(&command.filter) {
        let name = if several {
            format!("--filter {number}")
        } else {
            "--filter".to_owned()
        };
        texts.push((name, text.clone()));
    }
    for path in &command.filter_file {
        texts.push(filters::of_file(path)?);
    }
    filters::parse(command.output.kind(), &texts, placeholders)
}

/// Prints the records from the chosen start to the end of the topic, and then follows the topic unless
/// `--no-follow` is given.
fn tail(
    command: &Command,
    reader: &TopicReader,
    stop: &Shutdown,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let all = query::spans(reader, &|note| say(note))?;
    let from = if command.from_beginning {
        all
    } else if let Some(since) = command.since {
        reader.since(&all, since.time_ms(Timestamp::now()))?
    } else {
        let wanted = command.lines.unwrap_or(DEFAULT_LINES);
        print_newest(reader, &all, wanted, stop, printer)?;
        all.iter().map(end_of).collect()
    };
    if !command.no_follow {
        return follow(reader, &from, stop, printer);
    }
    let mut written = Ok(());
    reader.read(&from, &|| stop.is_requested(), &mut |record| {
        written = printer.print_matching(record);
        continue_if(written.is_ok())
    })?;
    Ok(written.and_then(|()| printer.out.flush())?)
}

/// Prints the newest `wanted` records that match the filter, the oldest of them first.
fn print_newest(
    reader: &TopicReader,
    spans: &[Span],
    wanted: usize,
    stop: &Shutdown,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let mut matches = |record: &RawRecord<'_>| printer.matches(&Emitted::new(record.clone()));
    let (found, searched) = query::newest(reader, spans, wanted, stop, &mut matches)?;
    if let Some(records) = searched {
        let count = found.len();
        say(format_args!(
            "{count} matched among the newest {records} records; --since or --from-beginning searches further"
        ));
    }
    for record in found {
        printer.print(&Emitted::new(record.record()))?;
    }
    Ok(printer.out.flush()?)
}

/// Prints records as they arrive, until `stop` is requested or standard output cannot be written.
fn follow(
    reader: &TopicReader,
    from: &[Span],
    stop: &Shutdown,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    say(format_args!("following {}; Ctrl-C ends it", reader.topic()));
    let (mut written, mut last_error) = (Ok(()), String::new());
    reader.follow(from, &mut |turn| {
        written = match turn {
            TopicRead::Record(record) => {
                last_error.clear();
                printer
                    .print_matching(&record)
                    .and_then(|()| printer.flush_in_time())
            }
            TopicRead::Idle => printer.out.flush(),
            TopicRead::Trouble(error) => {
                // The client repeats the same error; it is printed once.
                if error != last_error {
                    say(format_args!("{error}; trying again"));
                    last_error = error;
                }
                Ok(())
            }
        };
        continue_if(written.is_ok() && !stop.is_requested())
    })?;
    Ok(written.and_then(|()| printer.out.flush())?)
}

fn continue_if(condition: bool) -> ControlFlow<()> {
    if condition {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

/// The empty span after a span.
fn end_of(span: &Span) -> Span {
    Span {
        from: Offset(span.to.0),
        ..*span
    }
}

/// Prints the records that match the filter on standard output.
struct Printer<'o> {
    out: BufWriter<StdoutLock<'o>>,
    json: bool,
    paint: Paint,
    filter: Filter,
    scratch: Scratch,
    flushed: Instant,
}

impl Printer<'_> {
    fn matches(&mut self, emitted: &Emitted<'_>) -> bool {
        self.filter.takes(emitted, &mut self.scratch)
    }

    /// Prints a record if it matches the filter.
    fn print_matching(&mut self, record: &RawRecord<'_>) -> io::Result<()> {
        let emitted = Emitted::new(record.clone());
        if self.matches(&emitted) {
            self.print(&emitted)?;
        }
        Ok(())
    }

    /// Flushes if the last flush was at least `FLUSH_INTERVAL` ago, so that lines appear also while records arrive
    /// without a pause.
    fn flush_in_time(&mut self) -> io::Result<()> {
        if self.flushed.elapsed() < FLUSH_INTERVAL {
            return Ok(());
        }
        self.flushed = Instant::now();
        self.out.flush()
    }

    fn print(&mut self, emitted: &Emitted<'_>) -> io::Result<()> {
        if !self.json {
            return writeln!(self.out, "{}", line(emitted, self.paint));
        }
        if emitted.kind == RecordKind::Foreign {
            let at = At::from(emitted.record.position);
            say(format_args!(
                "the record at {at} is no whole event, alert or dead letter of watchbell"
            ));
        }
        writeln!(self.out, "{}", json_line(emitted))
    }
}
