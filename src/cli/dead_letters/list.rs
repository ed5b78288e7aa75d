//! `dead-letters list`: a line for each dead letter, and totals by reason.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::conditions::Conditions;
use crate::cli::config_file::ConfigFile;
use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::cli::signals::shutdown_on_signal;
use crate::pipeline::Content;
use crate::query::{self, Letter, Obstacle, Receipts, RetryOf};
use crate::view::words::moment;
use crate::view::{printable, printable_json};

#[derive(Debug, Args)]
pub(in crate::cli) struct Command {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    conditions: Conditions,
    /// Print JSON, one dead letter per line.
    #[arg(long)]
    json: bool,
}

/// Numbers of dead letters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    retried: u64,
    open: u64,
    blocked: u64,
}

/// Numbers of dead letters by reason, and why some cannot be retried.
#[derive(Debug, Default)]
struct Totals {
    by_reason: BTreeMap<String, Total>,
    obstacles: BTreeSet<Obstacle>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.load()?;
    let choice = command.conditions.choice(&config, &[]);
    let stop = shutdown_on_signal()?;
    let now = Timestamp::now();
    let reader = query::reader(&config, &config.outputs.of(Content::DeadLetters).topic)?;
    let all = query::spans(&reader, &|note| say(note))?;
    let spans = choice.spans(&reader, &all, now)?;
    let receipts = Receipts::read(&reader, &spans, &stop)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut totals = Totals::default();
    let mut written = Ok(());
    reader.read(&spans, &|| stop.is_requested(), &mut |record| {
        let letter = Letter::read(record.clone()).filter(|letter| choice.takes(letter, now));
        if let Some(letter) = letter {
            let retry = receipts.of(&letter);
            totals.add(&letter, retry);
            written = writeln!(out, "{}", text(&letter, retry, command.json));
        }
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    written.and_then(|()| out.flush())?;
    say(totals.text().trim_end());
    Ok(())
}

/// The line of a dead letter.
fn text(letter: &Letter<'_>, retry: Option<RetryOf>, is_json: bool) -> String {
    let (position, source) = (letter.position(), letter.source.as_ref());
    let time = |ms: i64| moment(ms, 0);
    let obstacle = letter.obstacle();
    if is_json {
        let line = json!({
            "position": position.to_string(),
            "timestamp_ms": letter.record.timestamp_ms,
            "reason": letter.reason,
            "detail": letter.detail,
            "bytes": letter.bytes(),
            "source": source.map(ToString::to_string),
            "source_timestamp_ms": letter.source_timestamp_ms,
            "output": letter.output,
            "sink": letter.sink,
            "retried": retry.is_some(),
            "retried_ms": retry.and_then(|retry| retry.time_ms),
            "obstacle": obstacle.map(Obstacle::word),
        });
        return printable_json(&line.to_string()).into_owned();
    }
    let state = match (retry, obstacle) {
        (Some(retry), _) => {
            let at = retry.time_ms.map(|ms| format!(" at {}", time(ms)));
            format!("retried{}", at.unwrap_or_default())
        }
        (None, Some(obstacle)) => format!("cannot be retried: {}", obstacle.word()),
        (None, None) => "can be retried".to_owned(),
    };
    let written = letter.record.timestamp_ms.map_or("-".to_owned(), time);
    let source = source.map_or("-".to_owned(), ToString::to_string);
    let (reason, bytes) = (printable(&letter.reason), letter.bytes());
    format!("{written}  {position}  {reason}  {bytes} bytes  from {source}  {state}")
}

impl Totals {
    fn add(&mut self, letter: &Letter<'_>, retry: Option<RetryOf>) {
        let total = self.by_reason.entry(letter.reason.to_string());
        let total = total.or_default();
        match (retry, letter.obstacle()) {
            (Some(_), _) => total.retried += 1,
            (None, None) => total.open += 1,
            (None, Some(obstacle)) => {
                total.blocked += 1;
                self.obstacles.insert(obstacle);
            }
        }
    }

    /// A row for each reason, and a line for each obstacle.
    fn text(&self) -> String {
        if self.by_reason.is_empty() {
            return "no dead letters".to_owned();
        }
        let row = |reason: &str, numbers: [&str; 4]| {
            let [all, retried, open, blocked] = numbers;
            format!("{reason:<28}{all:>14}{retried:>10}{open:>16}{blocked:>19}\n")
        };
        let mut text = row(
            "reason",
            [
                "dead letters",
                "retried",
                "can be retried",
                "cannot be retried",
            ],
        );
        for (reason, total) in &self.by_reason {
            let Total {
                retried,
                open,
                blocked,
            } = total;
            let numbers = [retried + open + blocked, *retried, *open, *blocked];
            let numbers = numbers.map(|number| number.to_string());
            text += &row(&printable(reason), numbers.each_ref().map(String::as_str));
        }
        for obstacle in &self.obstacles {
            text += &format!("{}: {}\n", obstacle.word(), obstacle.description());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Header, Offset, Partition, Position, RawRecord};

    fn letter<'r>(headers: &'r [(&'r str, &'r str)]) -> Letter<'r> {
        let header = |(name, value): &(&'r str, &'r str)| Header {
            name,
            value: Some(value.as_bytes()),
        };
        let record = RawRecord {
            position: Position {
                topic: "dead",
                partition: Partition(0),
                offset: Offset(5),
                element: None,
            },
            timestamp_ms: Some(1_773_480_413_589),
            key: None,
            value: Some(b"abc"),
            headers: headers.iter().map(header).collect(),
        };
        Letter::read(record).unwrap()
    }

    const HEADERS: [(&str, &str); 5] = [
        ("watchbell-reason", "not_json"),
        ("watchbell-detail", "a \u{202e} b"),
        ("watchbell-source-topic", "audit"),
        ("watchbell-source-partition", "3"),
        ("watchbell-source-offset", "42"),
    ];

    const RETRY: RetryOf = RetryOf {
        time_ms: Some(1_773_480_500_000),
        receipt: (0, 9),
    };

    #[test]
    fn a_line_says_what_it_is_whence_it_comes_and_what_became_of_it() {
        let open = letter(&HEADERS);
        let beginning = "2026-03-14T09:26:53Z  dead/0@5  not_json  3 bytes  from audit/3@42  ";
        let line = |letter: &Letter<'_>, retry| text(letter, retry, false);
        assert_eq!(line(&open, None), format!("{beginning}can be retried"));
        let retried = format!("{beginning}retried at 2026-03-14T09:28:20Z");
        assert_eq!(line(&open, Some(RETRY)), retried);
        let cut = [&HEADERS[..], &[("watchbell-cut-size", "7000")]].concat();
        let cut = line(&letter(&cut), None);
        assert!(cut.contains("7000 bytes"), "{cut}");
        assert!(cut.ends_with("cannot be retried: cut"), "{cut}");
    }

    #[test]
    fn a_line_of_json_has_the_same_and_controls_no_terminal() {
        let line = text(&letter(&HEADERS), Some(RETRY), true);
        assert!(!line.contains('\u{202e}'), "{line}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["position"], "dead/0@5");
        assert_eq!(line["source"], "audit/3@42");
        assert_eq!(line["bytes"], 3);
        assert_eq!(line["retried"], true);
        assert_eq!(line["obstacle"], serde_json::Value::Null);
        assert_eq!(line["detail"], "a \u{202e} b");
    }

    #[test]
    fn totals_have_a_row_for_each_reason_and_say_what_to_do_about_the_rest() {
        let mut totals = Totals::default();
        assert_eq!(totals.text(), "no dead letters");
        totals.add(&letter(&HEADERS), None);
        totals.add(&letter(&HEADERS), Some(RETRY));
        let sink = [&HEADERS[1..], &[("watchbell-sink", "oncall")]].concat();
        let refused = [&[("watchbell-reason", "refused")], &sink[..]].concat();
        totals.add(&letter(&refused), None);
        let text = totals.text();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[0], ["not_json", "2", "1", "1", "0"]);
        assert_eq!(rows[1], ["refused", "1", "0", "0", "1"]);
        assert!(
            text.lines().nth(3).unwrap().starts_with("alert: "),
            "{text}"
        );
    }
}
