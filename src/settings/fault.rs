//! What is wrong in a configuration, and at which place: a line of the file or a variable.

use std::fmt;

use crate::diagnostic::{Mark, Problem, Severity, nearest};
use crate::printable::{printable, printable_lines};

/// One thing wrong in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `file:line:column`, the name of a variable, or `configuration` for what stands nowhere.
    pub place: String,
    /// What is wrong: lower case, no full stop, no secret.
    pub message: String,
    /// What to write instead.
    pub remedy: Option<String>,
    /// Whether the configuration is refused for it.
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

    /// The same, of something to look at that is no reason to refuse the configuration.
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

    /// The same fault, naming the nearest of `known`, or all of them where none is near.
    pub(crate) fn one_of(self, word: &str, known: &[&str]) -> Fault {
        match nearest(word, known.iter().copied()) {
            Some(near) => self.remedy(format!("did you mean `{near}`?")),
            None => self.remedy(format!("known here: {}", known.join(", "))),
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

/// A place in a file, as every message writes it.
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
