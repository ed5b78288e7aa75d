//! Beside rsigma: how long an event takes with many rules, with `speed` (the figures of docs/performance.md), and whether
//! both decide the same on public rules, with `agree`.

use std::path::PathBuf;
use std::process::ExitCode;

mod agree;
#[allow(dead_code)]
#[path = "../../bench/corpus.rs"]
mod events;
mod generator;
mod plain;
mod public;
mod speed;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [command, directory, pairs, explained, decisions] if *command == *"agree" => {
            let files = agree::Files {
                directory,
                pairs,
                explained,
                decisions,
            };
            match agree::run(&files) {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        [command, directory @ ..] if *command == *"speed" && directory.len() < 2 => {
            speed::run(directory.first().map(PathBuf::as_path));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: speed [DIR], or agree DIR PAIRS EXPLAINED DECISIONS");
            ExitCode::from(2)
        }
    }
}
