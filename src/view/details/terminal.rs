//! The details of a record as text for a terminal.

use std::fmt::Write;

use super::{Part, details};
use crate::view::style::Tone;
use crate::view::{Emitted, Paint};

/// A heading between pages.
pub fn heading(text: &str, paint: Paint) -> String {
    format!("\n{}\n", paint.paint(Tone::Bold, text))
}

/// The page of a record; for an alert, with its event.
pub fn page(emitted: &Emitted<'_>, paint: Paint) -> String {
    let mut out = String::new();
    for part in details(emitted).parts() {
        write(part, paint, &mut out);
    }
    out
}

fn write(part: &Part, paint: Paint, out: &mut String) {
    let faint = |text: &str| paint.paint(Tone::Faint, text);
    // Writing into a string does not fail.
    let _ = match part {
        Part::Line(tone, text) => writeln!(out, "{}", paint.paint(*tone, text)),
        Part::Blank => writeln!(out),
        Part::Heading(text) => write!(out, "{}", heading(text, paint)),
        Part::Row {
            is_detail,
            label,
            tone,
            value,
        } => {
            let indent = if *is_detail { "  " } else { "" };
            let label = faint(&format!("{indent}{label}"));
            writeln!(out, "  {label:16}{}", paint.paint(*tone, value))
        }
        Part::Item(text) => writeln!(out, "  {}", paint.paint(Tone::Bold, text)),
        Part::OfItem(name, json) => writeln!(out, "    {}: {json}", faint(name)),
        Part::JsonRow(label, json) => writeln!(out, "  {:16}{json}", faint(label)),
        Part::Json(json) => writeln!(out, "  {json}"),
    };
}
