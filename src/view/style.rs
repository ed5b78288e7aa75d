//! The meaning of words, from which their color follows; color and weight on terminals.

use std::fmt;

use crate::event::secret::without_secrets;
use crate::printable::columns;

/// Whether words are shown with color and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether escape sequences are written.
    pub color: bool,
}

/// The meaning of a word, from which its color follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Like the words around it.
    Plain,
    /// A heading.
    Bold,
    /// Less important than the words beside it.
    Faint,
    /// Success.
    Good,
    /// A failure, or a severe alert.
    Bad,
    /// An alert of medium severity.
    Warning,
}

impl Tone {
    /// The tone of an OCSF status.
    pub(super) fn of_status(status: &str) -> Tone {
        match status {
            "Success" => Tone::Good,
            "Failure" => Tone::Bad,
            _ => Tone::Plain,
        }
    }

    /// The tone of an OCSF severity.
    pub(super) fn of_severity(severity: &str) -> Tone {
        match severity {
            "High" | "Critical" | "Fatal" => Tone::Bad,
            "Medium" => Tone::Warning,
            _ => Tone::Plain,
        }
    }

    /// Parameters of the ECMA-48 control function SGR.
    fn parameters(self) -> Option<&'static str> {
        match self {
            Tone::Plain => None,
            Tone::Bold => Some("1"),
            Tone::Faint => Some("2"),
            Tone::Good => Some("32"),
            Tone::Bad => Some("1;31"),
            Tone::Warning => Some("33"),
        }
    }
}

impl Paint {
    /// No color.
    pub const PLAIN: Paint = Paint { color: false };

    /// The text in a tone, printable and without secrets.
    pub(super) fn paint(self, tone: Tone, text: &str) -> Painted {
        Painted {
            parameters: tone.parameters().filter(|_| self.color),
            text: shown(text),
        }
    }
}

/// The text as it is shown to a person: printable, and without secrets. What was shown stays as it is.
pub fn shown(text: &str) -> String {
    super::printable(&without_secrets(text)).into_owned()
}

/// A text with its color; a width counts the columns of the text only.
pub(super) struct Painted {
    parameters: Option<&'static str>,
    text: String,
}

impl fmt::Display for Painted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parameters) = self.parameters {
            write!(f, "\u{1b}[{parameters}m{}\u{1b}[0m", self.text)?;
        } else {
            f.write_str(&self.text)?;
        }
        let shown = columns(&self.text);
        let missing = f.width().unwrap_or(0).saturating_sub(shown);
        write!(f, "{:missing$}", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_takes_no_width_and_values_bring_none() {
        let plain = Paint::PLAIN.paint(Tone::Bad, "Failure");
        assert_eq!(format!("{plain:9}|"), "Failure  |");
        let wide = Paint::PLAIN.paint(Tone::Plain, "订单-a");
        assert_eq!(format!("{wide:9}|"), "订单-a   |");
        let red = Paint { color: true }.paint(Tone::Bad, "a\u{1b}[0m");
        assert_eq!(format!("{red:11}|"), "\u{1b}[1;31ma\\u001b[0m\u{1b}[0m |");
    }
}
