//! `dead-letters`: lists the records that could not be read, shows one of them, and puts them through the pipeline
//! again.

mod conditions;
mod list;
mod retry;
mod show;

use clap::Subcommand;

use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List dead letters, and say which were retried and which cannot be.
    List(list::Command),
    /// Show one dead letter, or print the bytes of its value.
    Show(show::Command),
    /// Put dead letters through the pipeline again, each once: with another version or configuration of watchbell, or
    /// with a repaired value.
    Retry(retry::Command),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(command) => list::run(command),
        Command::Show(command) => show::run(command),
        Command::Retry(command) => retry::run(command),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn a_retry_says_what_is_retried() {
        let parse = |arguments: &str| {
            let words = ["watchbell", "dead-letters", "retry"].into_iter();
            Cli::try_parse_from(words.chain(arguments.split_whitespace()))
        };
        for right in [
            "--all",
            "watchbell.dead-letters/0@17 audit[3]@42",
            "--since 7d --until 1h --reason not_json --reason empty --source confluent --dry-run",
            "audit/3@42#1 --repaired value.json -c other.yaml",
        ] {
            assert!(parse(right).is_ok(), "{right}: {:?}", parse(right).err());
        }
        for wrong in [
            "",
            "--dry-run",
            "an-id",
            "--all --repaired value.json",
            "--since 7d --repaired value.json",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
