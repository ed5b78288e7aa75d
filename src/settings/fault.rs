//! A fault in the configuration, with its place: a line of the file, or an environment variable.

use std::fmt;

use crate::diagnostic::{Mark, Problem, Severity, nearest};
use crate::printable::{printable, printable_lines};

/// The place of a fault that has none, such as that a key is missing.
pub(crate) const NO_PLACE: &str = "configuration";

/// One thing wrong in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `file:line:column`, the name of a variable, or `configuration` if the fault has no place, such as
    /// a missing key.
    pub place: String,
    /// What is wrong: lower case, no full stop, no secret.
    pub message: String,
    /// What to write instead.
    pub remedy: Option<String>,
    /// An error, for which the configuration is refused, or a warning.
    pub severity: Severity,
    /// The path of the key that it is about, if it is known.
    pub(crate) key: Option<String>,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            place: place.into(),
            message: message.into(),
            remedy: None,
            severity: Severity::Error,
            key: None,
        }
    }

    /// A fault for which the configuration is not refused.
    pub(crate) fn warning(place: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            severity: Severity::Warning,
            ..Fault::new(place, message)
        }
    }

    /// The same fault, about the key with this path.
    pub(crate) fn of_key(mut self, path: impl Into<String>) -> Fault {
        self.key = Some(path.into());
        self
    }

    /// Whether it says that a key is missing that is written, but whose value, or that of a section around it, was
    /// refused for another reason.
    pub(crate) fn follows_from(&self, refused: &[String]) -> bool {
        let is_below = |key: &str, path: &str| {
            let rest = key.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let key = self.key.as_deref().filter(|_| self.place == NO_PLACE);
        key.is_some_and(|key| refused.iter().any(|path| is_below(key, path)))
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Fault {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same fault with a remedy: the most similar of `known`, or all of them if none is similar.
    pub(crate) fn one_of(self, word: &str, known: &[&str]) -> Fault {
        match nearest(word, known.iter().copied()) {
            Some(near) => self.remedy(format!("did you mean `{near}`?")),
            None => self.remedy(format!("write one of: {}", known.join(", "))),
        }
    }

    /// A fault of a whole file, unless the problem has a place in it.
    pub(crate) fn of_file(file: &str, problem: Problem) -> Fault {
        match problem.mark {
            Mark::START => Fault {
                place: file.to_owned(),
                ..Fault::in_file(file, problem)
            },
            _ => Fault::in_file(file, problem),
        }
    }

    pub(crate) fn in_file(file: &str, problem: Problem) -> Fault {
        Fault {
            place: place(file, problem.mark),
            message: problem.message,
            remedy: problem.remedy,
            severity: problem.severity,
            key: None,
        }
    }
}

/// A place in a file, as all messages write it.
pub(crate) fn place(file: &str, mark: Mark) -> String {
    format!("{file}:{}:{}", mark.line, mark.column)
}

/// The file and the position of a place that [`place`] has written; any other place, such as a variable, is a file.
pub(crate) fn file_and_mark(place: &str) -> (&str, Mark) {
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|digits| digits.parse().ok());
    match (number(), number(), parts.next()) {
        (Some(column), Some(line), Some(file)) => (file, Mark { line, column }),
        _ => (place, Mark::START),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, message) = (printable(&self.place), printable_lines(&self.message));
        write!(f, "{place}: {}: {message}", self.severity)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  help: {}", printable_lines(remedy)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_the_position_of_a_place_are_found_again() {
        let mark = Mark { line: 3, column: 5 };
        for file in ["w.yaml", "C:/x:1.yaml", "a:1:2"] {
            assert_eq!(file_and_mark(&place(file, mark)), (file, mark));
        }
        let variable = "WATCHBELL__OVERRIDES__DISABLED";
        assert_eq!(file_and_mark(variable), (variable, Mark::START));
    }
}
