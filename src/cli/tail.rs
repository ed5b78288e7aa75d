//! `tail`: the newest events, alerts or dead letters, and then new ones as they arrive, as lines for a person
//! or as JSON. It reads committed records only, joins no group and writes nothing.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;

use super::asked::{self, Output};
use super::config_file::ConfigFile;
use super::failure::Failure;
use super::json_line::json_line;
use super::say::say;
use crate::diagnostic::Diagnostic;
use crate::event::{Offset, RawRecord};
use crate::kafka::Span;
use crate::kafka::session::Shutdown;
use crate::kafka::topic_reader::{TopicRead, TopicReader};
use crate::query::{self, Since};
use crate::sigma::Scratch;
use crate::view::{At, Emitted, Filter, FilterText, Paint, RecordKind, line};

/// Longest time that a line is buffered.
const FLUSH: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Command {
    /// What to follow.
    #[arg(value_enum, default_value_t = Output::Events)]
    output: Output,
    #[command(flatten)]
    config: ConfigFile,
    /// Print values as JSON, one per line; dead letters with topic, position and headers.
    #[arg(long)]
    json: bool,
    /// Show only records that match this selection, in the syntax of rules; several must all match.
    ///
    /// Such as 'api.operation|startswith: Delete', 'status: Failure', '{user.name: Jane Doe,
    /// resources.type: STATEMENT}', or a keyword: '*orders*'. For dead letters it names
    /// headers, such as 'watchbell-reason: not_json'.
    #[arg(long, value_name = "SELECTION")]
    filter: Vec<String>,
    /// Show only records that match the detection in this file, which may be a rule.
    #[arg(long, value_name = "FILE")]
    filter_file: Vec<PathBuf>,
    /// Start at the oldest record.
    #[arg(long, conflicts_with_all = ["since", "lines"])]
    from_beginning: bool,
    /// Start with records that were written since then: how long ago, such as 10m, or a time.
    #[arg(long, value_name = "TIME", conflicts_with = "lines")]
    since: Option<Since>,
    /// Start with this many of the newest records [default: 10].
    #[arg(short = 'n', long, value_name = "COUNT")]
    lines: Option<usize>,
    /// Stop at the current end of the topic.
    #[arg(long)]
    no_follow: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let filter = filter(command)?;
    let topic = command.output.topic(&config.outputs);
    let stop = asked::until_asked_to_stop()?;
    let mut printer = Printer {
        out: BufWriter::new(io::stdout().lock()),
        json: command.json,
        paint: asked::paint(),
        filter,
        flushed: Instant::now(),
        scratch: Scratch::default(),
    };
    let reader = query::reader(&config, topic)?;
    tail(command, &reader, &stop, &mut printer)
}

fn filter(command: &Command) -> Result<Filter, Failure> {
    let mut texts: Vec<(String, String)> = Vec::new();
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
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::configuration([format!("{name}: not readable: {error}")]))?;
        texts.push((name, text));
    }
    let written: Vec<FilterText<'_>> = texts
        .iter()
        .map(|(name, text)| FilterText { name, text })
        .collect();
    let (filter, warnings) = Filter::parse(command.output.kind(), &written)
        .map_err(Failure::configuration::<Diagnostic>)?;
    for warning in warnings {
        say(warning);
    }
    Ok(filter)
}

fn tail(
    command: &Command,
    reader: &TopicReader,
    stop: &Shutdown,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let now = query::spans(reader, &|note| say(note))?;
    let from = if command.from_beginning {
        now
    } else if let Some(since) = command.since {
        reader.since(&now, since.time_ms(Timestamp::now()))?
    } else {
        let wanted = command.lines.unwrap_or(10);
        let mut takes = |record: &RawRecord<'_>| printer.takes(record);
        let (found, looked_through) = query::newest(reader, &now, wanted, stop, &mut takes)?;
        if let Some(records) = looked_through {
            let count = found.len();
            say(format_args!(
                "{count} matched among the newest {records} records; --since or --from-beginning searches further"
            ));
        }
        for record in found {
            printer.print(&record.record())?;
        }
        printer.out.flush()?;
        now.iter().map(end_of).collect()
    };
    if command.no_follow {
        let mut written = Ok(());
        reader.read(&from, &|| stop.is_requested(), &mut |record| {
            written = printer.show(record);
            flow(written.is_ok())
        })?;
        return Ok(written.and_then(|()| printer.out.flush())?);
    }
    say(format_args!("following {}; Ctrl-C ends it", reader.topic()));
    let (mut written, mut said) = (Ok(()), String::new());
    reader.follow(&from, &mut |turn| {
        written = match turn {
            TopicRead::Record(record) => {
                said.clear();
                printer.show(&record).and_then(|()| printer.flush_in_time())
            }
            TopicRead::Idle => printer.out.flush(),
            TopicRead::Trouble(what) => {
                // The client repeats the same complaint; print it once.
                if what != said {
                    say(format_args!("{what}; trying again"));
                    said = what;
                }
                Ok(())
            }
        };
        flow(written.is_ok() && !stop.is_requested())
    })?;
    Ok(written.and_then(|()| printer.out.flush())?)
}

fn flow(go_on: bool) -> ControlFlow<()> {
    if go_on {
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

struct Printer<'o> {
    out: BufWriter<StdoutLock<'o>>,
    json: bool,
    paint: Paint,
    filter: Filter,
    scratch: Scratch,
    flushed: Instant,
}

impl Printer<'_> {
    fn takes(&mut self, record: &RawRecord<'_>) -> bool {
        let emitted = Emitted::new(record.clone());
        self.filter.takes(&emitted, &mut self.scratch)
    }

    /// Prints a record if it matches the filter.
    fn show(&mut self, record: &RawRecord<'_>) -> io::Result<()> {
        let emitted = Emitted::new(record.clone());
        if self.filter.takes(&emitted, &mut self.scratch) {
            self.write(&emitted)?;
        }
        Ok(())
    }

    /// Flushes also while records keep coming without a pause.
    fn flush_in_time(&mut self) -> io::Result<()> {
        if self.flushed.elapsed() < FLUSH {
            return Ok(());
        }
        self.flushed = Instant::now();
        self.out.flush()
    }

    fn print(&mut self, record: &RawRecord<'_>) -> io::Result<()> {
        self.write(&Emitted::new(record.clone()))
    }

    fn write(&mut self, emitted: &Emitted<'_>) -> io::Result<()> {
        if !self.json {
            return writeln!(self.out, "{}", line(emitted, self.paint));
        }
        if emitted.kind == RecordKind::Foreign {
            let at = At::from(emitted.record.position);
            say(format_args!(
                "the record at {at} was not written by watchbell"
            ));
        }
        writeln!(self.out, "{}", json_line(emitted))
    }
}
