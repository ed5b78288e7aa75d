//! Shows one record on one line.

use super::style::Tone;
use super::words;
use super::{Emitted, Paint, RecordKind};
use crate::finding::path;
use crate::printable::beginning_of_bytes;

/// Most bytes of a value that are shown if it is not an event.
const EXCERPT: usize = 160;

/// The line of an event has time, actor, operation, resource, outcome and address; of an alert time,
/// level, title, outcome and reason; of a dead letter time, reason, source position and its first
/// bytes; of a receipt time and the dead letter that was retried. At the end is the position of the record, after the name
/// of its file if it came from one.
pub fn line(emitted: &Emitted<'_>, paint: Paint) -> String {
    let text = match emitted.kind {
        RecordKind::Event => event(emitted, paint),
        RecordKind::Alert => alert(emitted, paint),
        RecordKind::DeadLetter => dead_letter(emitted, paint),
        RecordKind::Receipt => receipt(emitted, paint),
        RecordKind::Foreign => foreign(emitted, paint),
    };
    let position = emitted.record.position;
    if position.topic.is_empty() {
        return text.trim_end().to_owned();
    }
    let place = super::At::from(position).to_string();
    let place = match emitted.file_name() {
        Some(name) => format!("{name}  {place}"),
        None => place,
    };
    format!("{text}  {}", paint.paint(Tone::Faint, &place))
}

fn event(emitted: &Emitted<'_>, paint: Paint) -> String {
    let Some(event) = emitted.root() else {
        return String::new();
    };
    let time = event.int("time").unwrap_or_default();
    let outcome = words::outcome(event);
    let resource = words::on_what(event).unwrap_or_else(|| "-".to_owned());
    format!(
        "{}  {:28}  {:24}  {:48}  {:7}  from {}",
        paint.paint(Tone::Plain, &words::moment(time, 0)),
        paint.paint(Tone::Bold, &words::who(event)),
        paint.paint(Tone::Plain, &words::what(event)),
        paint.paint(Tone::Plain, &resource),
        paint.paint(Tone::of_status(&outcome), &outcome),
        paint.paint(Tone::Plain, &words::origin(event)),
    )
}

fn alert(emitted: &Emitted<'_>, paint: Paint) -> String {
    let Some(alert) = emitted.root() else {
        return String::new();
    };
    let time = alert.int(path::TIME).unwrap_or_default();
    let level = alert.text(path::SEVERITY).unwrap_or("Unknown".into());
    let title = alert.text(path::MESSAGE).unwrap_or_default();
    let mut line = format!(
        "{}  {:10}  {}",
        paint.paint(Tone::Plain, &words::moment(time, 0)),
        paint.paint(
            Tone::of_severity(&level),
            &format!("[{}]", level.to_uppercase())
        ),
        paint.paint(Tone::Bold, &title),
    );
    if let Some(outcome) = alert.text(path::OUTCOME) {
        let outcome = paint.paint(Tone::of_status(&outcome), &outcome);
        line.push_str(&format!("  {outcome}"));
    }
    if let Some(suppression) = alert.at(path::SUPPRESSION) {
        let title = suppression.text("title").unwrap_or_default();
        let text = format!("suppressed: {title}");
        line.push_str(&format!("  {}", paint.paint(Tone::Faint, &text)));
    }
    let why = words::why(alert).join("; ");
    if !why.is_empty() {
        let why = paint.paint(Tone::Plain, &why);
        line.push_str(&format!("  because {why}"));
    }
    line
}

fn dead_letter(emitted: &Emitted<'_>, paint: Paint) -> String {
    let header = |name| emitted.header(name).unwrap_or_default();
    let mut line = format!(
        "{}  {}  {}",
        written(emitted),
        paint.paint(Tone::Bad, &header("watchbell-reason")),
        paint.paint(Tone::Plain, &header("watchbell-detail")),
    );
    if let Some(at) = emitted.source_position() {
        let at = at.to_string();
        line.push_str(&format!("  read at {}", paint.paint(Tone::Plain, &at)));
    }
    line.push_str(&excerpt(emitted, paint));
    line
}

fn receipt(emitted: &Emitted<'_>, paint: Paint) -> String {
    let letter = emitted.header("watchbell-retried").unwrap_or_default();
    let outputs = emitted.header("watchbell-outputs").unwrap_or_default();
    let plain = |text: &str| paint.paint(Tone::Plain, text);
    let (letter, outputs) = (plain(&letter), plain(&outputs));
    format!(
        "{}  retried {letter}, records written: {outputs}",
        written(emitted)
    )
}

fn foreign(emitted: &Emitted<'_>, paint: Paint) -> String {
    let what = paint.paint(
        Tone::Bad,
        "no whole event, alert or dead letter of watchbell",
    );
    format!("{}  {what}{}", written(emitted), excerpt(emitted, paint))
}

/// When the record was written.
fn written(emitted: &Emitted<'_>) -> String {
    let time = emitted.record.timestamp_ms;
    time.map_or_else(|| "-".to_owned(), |time| words::moment(time, 0))
}

fn excerpt(emitted: &Emitted<'_>, paint: Paint) -> String {
    let Some(value) = emitted.record.value else {
        return "  (no value)".to_owned();
    };
    let shown = beginning_of_bytes(value, EXCERPT);
    let text = String::from_utf8_lossy(shown);
    let more = if shown.len() < value.len() { "…" } else { "" };
    format!("  {}{more}", paint.paint(Tone::Faint, &text))
}
