//! Text for a person: headings and labelled paragraphs, in color if the output is a terminal.
//! Invariant: text from an event is written without its control characters, so that it cannot control the
//! terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::printable::columns;
use crate::view::printable;

/// Columns of a line if the terminal is wide enough, or if the output is not a terminal.
pub(super) const WIDTH: usize = 96;

/// The smallest width of a line in columns; a narrower terminal wraps the lines itself.
const MIN_WIDTH: usize = 60;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default();

/// A page that is written line by line.
pub(super) struct Page<W> {
    out: W,
    width: usize,
}

impl<W: Write> Page<W> {
    /// `width` is the width of the terminal in columns; at most `WIDTH` columns are used.
    pub(super) fn new(out: W, width: usize) -> Page<W> {
        Page {
            out,
            width: width.clamp(MIN_WIDTH, WIDTH),
        }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        let title = printable(title);
        let rule = "─".repeat(self.width.saturating_sub(columns(&title) + 4));
        writeln!(
            self.out,
            "{DIM}──{DIM:#} {BOLD}{title}{BOLD:#} {DIM}{rule}{DIM:#}\n"
        )
    }

    /// Writes one line of parts, each in its style.
    pub(super) fn line(&mut self, parts: &[(Style, &str)]) -> io::Result<()> {
        for (style, text) in parts {
            write!(self.out, "{style}{}{style:#}", printable(text))?;
        }
        writeln!(self.out)
    }

    /// Writes a paragraph in one style.
    pub(super) fn paragraph(&mut self, style: Style, text: &str) -> io::Result<()> {
        for line in wrap(&printable(text), self.width) {
            writeln!(self.out, "{style}{line}{style:#}")?;
        }
        Ok(())
    }

    /// Writes a paragraph to the right of its label; writes nothing if the text is empty.
    pub(super) fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        const INDENT: usize = 11;
        if text.is_empty() {
            return Ok(());
        }
        let mut label = label;
        for line in wrap(&printable(text), self.width - INDENT) {
            writeln!(self.out, "    {DIM}{label:<6}{DIM:#} {line}")?;
            label = "";
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Lines of at most `width` columns, broken at spaces, or anywhere in a word that is longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let mut length = columns(word);
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        while length > width {
            let (head, tail) = split_at_column(word, width);
            if let Some(line) = lines.last_mut() {
                line.push_str(head);
            }
            lines.push(String::new());
            (word, length) = (tail, columns(tail));
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

/// Splits a text after the longest prefix of at most `width` columns; the prefix has at least one character.
fn split_at_column(text: &str, width: usize) -> (&str, &str) {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let first = ends.clone().next().unwrap_or_default();
    let fits = |end: &usize| columns(&text[..*end]) <= width;
    let end = ends.take_while(fits).last().unwrap_or(first);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_contains_control_characters_for_the_terminal() {
        let hostile = "a\u{1b}[2Jb\rc\u{7f}\u{9b}31m\u{202e}d\te";
        let mut out = Vec::new();
        let mut page = Page::new(&mut out, 10);
        page.labelled("who", hostile).unwrap();
        page.line(&[(Style::new(), hostile)]).unwrap();
        page.heading(hostile).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a bcdefghijk l", 4), ["a", "bcde", "fghi", "jk l"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("äöü äöü", 3), ["äöü", "äöü"]);
        assert_eq!(wrap("在 生产环境-订单", 6), ["在", "生产环", "境-订", "单"]);
        // The width is smaller than that of one character.
        assert_eq!(split_at_column("订单", 1), ("订", "单"));
    }
}
