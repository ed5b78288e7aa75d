//! A fault in the configuration, with its place: a line of the file, or an environment variable.

use std::fmt;

use crate::diagnostic::{Mark, Problem, Severity, nearest};
use crate::printable::{printable, printable_lines};

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
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            place: place.into(),
            message: message.into(),
            remedy: None,
            severity: Severity::Error,
        }
    }

    /// A fault for which the configuration is not refused.
    pub(crate) fn warning(place: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            severity: Severity::Warning,
            ..Fault::new(place, message)
        }
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

    pub(crate) fn in_file(file: &str, problem: Problem) -> Fault {
        Fault {
            place: place(file, problem.mark),
            message: problem.message,
            remedy: problem.remedy,
            severity: problem.severity,
        }
    }
}

/// A place in a file, as all messages write it.
pub(crate) fn place(file: &str, mark: Mark) -> String {
    format!("{file}:{}:{}", mark.line, mark.column)
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
