//! How long an event takes with many rules, here and in rsigma: the figures of docs/performance.md. With a directory of
//! public Sigma rules as argument, also with those.

#[allow(dead_code)]
#[path = "../../bench/corpus.rs"]
mod events;
mod generator;
mod plain;
mod public;
mod speed;

fn main() {
    let directory = std::env::args_os().nth(1);
    speed::run(directory.as_deref().map(std::path::Path::new));
}
