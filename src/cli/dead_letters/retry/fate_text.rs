//! What became of dead letters, as `dead-letters retry` says it.

use crate::retry::{Became, Counts, Fate};
use crate::view::words::moment;
use crate::view::{At, printable};

/// What became of a dead letter.
pub(super) fn fate_text(fate: &Fate, is_dry_run: bool) -> String {
    match fate {
        Fate::Retried(became) => format!("{}: {}", done(is_dry_run), became_text(became)),
        Fate::Before(time_ms) => {
            let time = time_ms.map(|ms| format!(" at {}", moment(ms, 0)));
            format!("was retried{}", time.unwrap_or_default())
        }
        Fate::Blocked(obstacle) => {
            let (word, description) = (obstacle.word(), obstacle.description());
            format!("stays a dead letter: {word}: {description}")
        }
        Fate::Stays(why) => format!("stays a dead letter: {}", printable(why)),
    }
}

fn done(is_dry_run: bool) -> &'static str {
    match is_dry_run {
        true => "would be retried",
        false => "retried",
    }
}

/// How many records in which topics, and which parts of it are still dead letters.
fn became_text(became: &Became) -> String {
    let counts: Vec<String> = became
        .topics
        .iter()
        .map(|(topic, count)| format!("{count} to {topic}"))
        .collect();
    let mut text = match counts.is_empty() {
        true => "dropped, as the routes or the noise policy say".to_owned(),
        false => counts.join(", "),
    };
    if let Some(first) = became.parts.first() {
        let (count, first) = (became.parts.len(), printable(first));
        text += &format!(" ({count} of its parts cannot be written, the first because of {first})");
    }
    text
}

/// How many dead letters were retried.
pub(super) fn counts_text(counts: &Counts, is_dry_run: bool) -> String {
    let Counts {
        retried,
        before,
        left,
        ..
    } = counts;
    let done = done(is_dry_run);
    format!("{done}: {retried}, were retried before: {before}, stay dead letters: {left}")
}

/// Why not everything is done that was asked for.
pub(super) fn problems(counts: &Counts, missing: &[At], is_stopped: bool) -> Vec<String> {
    let mut problems: Vec<String> = match is_stopped {
        true => vec!["stopped before the end of the topic".to_owned()],
        false => missing
            .iter()
            .map(|at| format!("no dead letter at {at}"))
            .collect(),
    };
    let of = |count: usize, text: &str| (count > 0).then(|| format!("{count} {text}"));
    problems.extend(of(
        counts.left,
        "of the chosen dead letters cannot be retried",
    ));
    problems.extend(of(
        counts.parts,
        "parts of those that were retried are dead letters of their own",
    ));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_letter_became_is_told_by_topic() {
        let mut became = Became::default();
        assert!(became_text(&became).starts_with("dropped"));
        became.topics = [("alerts".to_owned(), 1), ("events".to_owned(), 2)].into();
        assert_eq!(became_text(&became), "1 to alerts, 2 to events");
        became.parts = vec!["not_json: \u{202e}".to_owned(), "empty: it".to_owned()];
        let said = became_text(&became);
        assert!(said.contains("(2 of its parts cannot be written"), "{said}");
        assert!(!said.contains('\u{202e}'), "{said}");
    }

    #[test]
    fn only_what_stays_is_a_problem() {
        let mut counts = Counts {
            retried: 3,
            before: 4,
            ..Counts::default()
        };
        assert!(problems(&counts, &[], false).is_empty());
        (counts.left, counts.parts) = (2, 1);
        let said = problems(&counts, &[], false);
        assert!(said[0].starts_with("2 of the chosen"), "{said:?}");
        assert!(said[1].starts_with("1 parts"), "{said:?}");
        let counts = counts_text(&counts, true);
        assert!(counts.starts_with("would be retried: 3,"), "{counts}");
    }
}
