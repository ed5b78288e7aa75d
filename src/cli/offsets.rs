//! `offsets show`, `offsets set` and `offsets to-time`: show and move the positions of each source.
//! Without `--execute` a move only shows what would change. Positions are never moved while a member
//! of the group reads the source.

use std::io::Write;
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::config_file::ConfigFile;
use super::failure::Failure;
use crate::config::Config;
use crate::event::{NextOffset, Partition};
use crate::kafka::session::{Move, MoveTarget, Offsets, Same, SeenPosition, SessionConfig};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show position, end, lag, and whether the source topic is still the one the position was committed on.
    Show(Show),
    /// Move positions to an offset, to the start or end of the partition, or back to their stored copy.
    Set(Set),
    /// Move positions to the first record at or after a time.
    ToTime(ToTime),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    config: ConfigFile,
    /// Show only this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    #[command(flatten)]
    scope: Scope,
    /// `earliest`, `latest`, `noted` (the copy in the topic for positions) or an offset.
    #[arg(long, value_name = "TARGET")]
    to: TargetArgument,
}

#[derive(Debug, Args)]
pub(super) struct ToTime {
    #[command(flatten)]
    scope: Scope,
    /// A time such as 2026-11-21T00:00:00Z, which is compared with the Kafka timestamps of the records.
    time: Timestamp,
}

/// Which positions to move, and whether to move them or only to show the move.
#[derive(Debug, Args)]
struct Scope {
    #[command(flatten)]
    config: ConfigFile,
    /// The source; required if there are several.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    partitions: PartitionChoice,
    /// Move the positions. Without it, only the changes are shown.
    #[arg(long)]
    execute: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct PartitionChoice {
    /// Partitions, such as 0,3.
    #[arg(long = "partition", value_name = "NUMBER", value_delimiter = ',')]
    numbers: Vec<i32>,
    /// All partitions of the source.
    #[arg(long)]
    all: bool,
}

/// Where to move the positions, as given on the command line.
#[derive(Debug, Clone, Copy)]
struct TargetArgument(MoveTarget);

impl FromStr for TargetArgument {
    type Err = String;

    fn from_str(word: &str) -> Result<TargetArgument, String> {
        Ok(TargetArgument(match word {
            "earliest" => MoveTarget::Earliest,
            "latest" => MoveTarget::Latest,
            "noted" => MoveTarget::Noted,
            number => {
                let offset = number.parse().map_err(|_| {
                    "expected earliest, latest, noted or an offset; for a time use `offsets to-time`"
                        .to_owned()
                })?;
                MoveTarget::Offset(NextOffset(offset))
            }
        }))
    }
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match command {
        Command::Show(command) => {
            let config = command.config.load()?;
            Ok(show(&config, command.source.as_deref(), &mut out)?)
        }
        Command::Set(command) => {
            let config = command.scope.config.load()?;
            Ok(move_positions(
                &config,
                &command.scope,
                command.to.0,
                &mut out,
            )?)
        }
        Command::ToTime(command) => {
            let config = command.scope.config.load()?;
            let target = MoveTarget::Time(command.time.as_millisecond());
            Ok(move_positions(&config, &command.scope, target, &mut out)?)
        }
    }
}

/// The sessions of the named source, or of all sources.
fn sources(config: &Config, name: Option<&str>) -> anyhow::Result<Vec<SessionConfig>> {
    let mut sessions = config.sessions(0);
    if let Some(name) = name {
        sessions.retain(|session| session.source_name == name);
    }
    if sessions.is_empty() {
        let known: Vec<&str> = config.sources.iter().map(|s| s.name.as_str()).collect();
        bail!(
            "there is no such source; the configured sources are: {}",
            known.join(", ")
        );
    }
    Ok(sessions)
}

fn show(config: &Config, name: Option<&str>, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "name\tpartition\tposition\tend\tlag\ttime\tnoted\tsource\tlast record"
    )?;
    let mut any_other = false;
    for session in sources(config, name)? {
        let source = &session.source_name;
        let offsets = Offsets::open(&session).with_context(|| format!("source {source}"))?;
        for seen in offsets.show().with_context(|| format!("source {source}"))? {
            any_other |= seen.source == Same::No || seen.last == Same::No;
            writeln!(out, "{source}\t{}", line(&seen, Timestamp::now()))?;
        }
        let members = offsets.members()?;
        eprintln!(
            "{source}: {} of the {} members of the group {} read it",
            members.of_source, members.of_group, session.group
        );
    }
    if any_other {
        eprintln!(
            "`other`: the position was committed on another topic or cluster, or before the topic was re-created"
        );
    }
    Ok(())
}

/// The columns of one partition after the name of the source.
fn line(seen: &SeenPosition, now: Timestamp) -> String {
    let time = seen
        .time_ms
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let lag = match seen.distance() {
        Some(distance) if distance < 0 => "past the end".to_owned(),
        Some(_) if seen.position < Some(seen.oldest) => {
            format!("expired, the oldest is {}", seen.oldest.0)
        }
        Some(_) if seen.offsets_jump => {
            let waiting = seen.waiting(now.as_millisecond()).unwrap_or_default();
            format!("{}s", waiting.as_secs())
        }
        Some(distance) => distance.to_string(),
        None => "-".to_owned(),
    };
    [
        seen.partition.0.to_string(),
        offset(seen.position),
        seen.end.0.to_string(),
        lag,
        time.map_or_else(|| "-".to_owned(), |time| time.to_string()),
        offset(seen.noted),
        same_or_other(seen.source).to_owned(),
        same_or_other(seen.last).to_owned(),
    ]
    .join("\t")
}

fn offset(offset: Option<NextOffset>) -> String {
    offset.map_or_else(|| "-".to_owned(), |offset| offset.0.to_string())
}

fn same_or_other(same: Same) -> &'static str {
    match same {
        Same::Yes => "same",
        Same::No => "other",
        Same::Unknown => "-",
    }
}

/// Shows the planned moves, and carries them out with `--execute`.
fn move_positions(
    config: &Config,
    scope: &Scope,
    target: MoveTarget,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let sessions = sources(config, scope.source.as_deref())?;
    let [session] = sessions.as_slice() else {
        bail!("there are several sources: name one with --source");
    };
    let offsets = Offsets::open(session)?;
    let partitions = if scope.partitions.all {
        offsets.partitions()
    } else {
        let numbers = scope.partitions.numbers.iter();
        numbers.map(|number| Partition(*number)).collect()
    };
    let moves = offsets.plan(&partitions, target)?;
    writeln!(out, "name\tpartition\tfrom\tto\teffect")?;
    for step in &moves {
        let (source, partition) = (&session.source_name, step.partition.0);
        let (from, to) = (offset(step.from), step.to.0);
        writeln!(out, "{source}\t{partition}\t{from}\t{to}\t{}", effect(step))?;
    }
    if !scope.execute {
        eprintln!("nothing was changed; add --execute to move the positions");
        return Ok(());
    }
    offsets.execute(&moves).map_err(|error| anyhow!(error))?;
    eprintln!("{} positions were moved", moves.len());
    Ok(())
}

fn effect(step: &Move) -> String {
    match step.from.map(|from| step.to.0 - from.0) {
        None => "set for the first time".to_owned(),
        Some(0) => "stays".to_owned(),
        Some(distance) if step.offsets_jump => match distance > 0 {
            true => "the records between are skipped".to_owned(),
            false => "the records between are read again".to_owned(),
        },
        Some(skipped) if skipped > 0 => format!("{skipped} are skipped"),
        Some(again) => format!("{} are read again", -again),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn parse(arguments: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(arguments.split(' '))
    }

    #[test]
    fn a_move_names_its_partitions_or_all() {
        for right in [
            "watchbell offsets show",
            "watchbell offsets set --all --to earliest",
            "watchbell offsets set --partition 0,3 --to 17 --source confluent --execute",
            "watchbell offsets to-time --all 2026-11-21T00:00:00Z",
        ] {
            assert!(parse(right).is_ok(), "{right}: {:?}", parse(right).err());
        }
        for wrong in [
            "watchbell offsets set --to earliest",
            "watchbell offsets set --all --partition 1 --to earliest",
            "watchbell offsets set --all",
            "watchbell offsets set --all --to yesterday",
            "watchbell offsets to-time --all yesterday",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_position_says_what_is_wrong_with_it() {
        let seen = |position| SeenPosition {
            partition: Partition(3),
            position: Some(NextOffset(position)),
            noted: None,
            oldest: NextOffset(10),
            end: NextOffset(20),
            time_ms: None,
            last_read_ms: None,
            source: Same::Yes,
            last: Same::No,
            offsets_jump: false,
        };
        let now = Timestamp::from_second(1_000).unwrap();
        let line = |seen| line(&seen, now);
        assert_eq!(line(seen(12)), "3\t12\t20\t8\t-\t-\tsame\tother");
        assert!(line(seen(21)).contains("past the end"));
        assert!(line(seen(9)).contains("expired, the oldest is 10"));
        let jumping = |time_ms| SeenPosition {
            offsets_jump: true,
            time_ms,
            ..seen(12)
        };
        let lag = |seen| line(seen).split('\t').nth(3).map(str::to_owned);
        assert_eq!(lag(jumping(Some(963_000))).as_deref(), Some("37s"));
        assert_eq!(lag(jumping(None)).as_deref(), Some("0s"));
    }
}
