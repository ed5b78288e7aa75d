//! The questions of docs/queries.md, each run as it is written there, with the answer that stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::fixture::Archive;
use super::story;

const PAGE: &str = "docs/queries.md";

/// The marks of a command and of its answer.
const COMMAND: &str = "```sh\n";
const ANSWER: &str = "```text\n";
const END: &str = "```\n";

#[test]
fn every_question_of_the_page_has_the_answer_of_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let archive = story::archive();
    let (mut written, mut rest, mut questions) = (String::new(), page.as_str(), 0);
    while let Some((before, after)) = rest.split_once(COMMAND) {
        let (command, after) = after.split_once(END).expect("the end of the command");
        written += &format!("{before}{COMMAND}{command}{END}");
        rest = after;
        let Some(answer) = after.strip_prefix(ANSWER) else {
            continue;
        };
        rest = answer.split_once(END).expect("the end of the answer").1;
        written += &format!("{ANSWER}{}{END}", answered(&archive, command));
        questions += 1;
    }
    written += rest;
    assert!(questions >= 20, "{questions} questions");
    if written == page {
        return;
    }
    if std::env::var_os("WATCHBELL_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let differs = written
        .lines()
        .zip(page.lines())
        .find(|(found, expected)| found != expected);
    panic!(
        "{PAGE} has other answers, the first at {differs:?}: WATCHBELL_BLESS=1 cargo test --features archive --test archive queries"
    );
}

/// What a command prints, in a shell beside the configuration of the archive.
fn answered(archive: &Archive, command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_watchbell")).parent().unwrap();
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("sh")
        .args(["-c", &format!("{} --no-live", command.trim_end())])
        .current_dir(archive.config().parent().unwrap())
        .env("PATH", path)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}{told}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{command} has no answer: {told}");
    text
}
