//! Problems in a file that a person wrote, with their position and a remedy.
//! A [`Problem`] has its position in a text, a [`Diagnostic`] also the file. All problems are reported
//! in one pass; an error rejects the file, a warning does not.

use std::fmt;
use std::sync::Arc;

use crate::printable::{printable, printable_lines};

/// A position in a text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Mark {
    /// The first character: for a problem of the whole text.
    pub const START: Mark = Mark { line: 1, column: 1 };

    /// The position `characters` further right on the same line.
    pub fn right_by(self, characters: usize) -> Mark {
        let column = self
            .column
            .saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        Mark { column, ..self }
    }
}

/// Whether a problem rejects the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used, but probably not what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One thing wrong in a text. It is displayed without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it rejects the file.
    pub severity: Severity,
    /// Where.
    pub mark: Mark,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub remedy: Option<String>,
}

impl Problem {
    /// An error without a remedy.
    pub fn error(mark: Mark, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            mark,
            message: message.into(),
            remedy: None,
        }
    }

    /// A warning without a remedy.
    pub fn warning(mark: Mark, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Warning,
            ..Problem::error(mark, message)
        }
    }

    /// Whether it does not reject the file.
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// The same problem, saying what to write instead.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Problem {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable_lines(&self.message))?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  help: {}", printable_lines(remedy)),
            None => Ok(()),
        }
    }
}

/// One thing wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path of the file, or `pack:<name>/<file>` for one compiled in.
    pub file: Arc<str>,
    /// What, and where in the file.
    pub problem: Problem,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { severity, mark, .. } = &self.problem;
        let (file, line, column) = (printable(&self.file), mark.line, mark.column);
        write!(f, "{file}:{line}:{column}: {severity}: {}", self.problem)
    }
}

/// The word of `known` that is most similar to a misspelled `word`, ignoring case; `None` if none is
/// similar.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let score = strsim::jaro_winkler(&word, &candidate.to_lowercase());
            (score, candidate)
        })
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_reads_like_a_compiler_message() {
        let problem = Problem::error(Mark { line: 3, column: 5 }, "no selection `x`").remedy("y");
        let file = "rules/a.yaml".into();
        let text = Diagnostic { file, problem }.to_string();
        assert_eq!(text, "rules/a.yaml:3:5: error: no selection `x`\n  help: y");
    }

    #[test]
    fn the_nearest_word_is_found_and_a_strange_one_is_not() {
        let known = ["CreateAPIKey", "DeleteRoleBindingById", "DeleteTopics"];
        assert_eq!(nearest("CreateApiKeys", known), Some("CreateAPIKey"));
        assert_eq!(
            nearest("DeleteRoleBinding", known),
            Some("DeleteRoleBindingById")
        );
        assert_eq!(nearest("zzz", known), None);
    }
}
