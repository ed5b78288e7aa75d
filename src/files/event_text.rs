//! Recognizes text that belongs to an event before it is parsed.

use memchr::memmem;

use super::scan::{Scan, Scanner, after_space};

/// The names of members of which every event has one: a CloudEvent, and an event of ActionTrail in either casing.
const EVENT_MEMBERS: [&[u8]; 3] = [b"\"specversion\"", b"\"eventName\"", b"\"EventName\""];

/// Words that hardly occur in a log: a line with one of them that is not JSON is a broken event.
const EVENT_WORDS: [&[u8]; 4] = [
    b"specversion",
    b"methodName",
    b"\"eventName\"",
    b"\"EventName\"",
];

/// Whether the line begins like a JSON object, unlike `{main}` in a log.
pub(super) fn begins_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{')
        && line
            .get(after_space(line, 1))
            .is_none_or(|byte| *byte == b'"')
}

pub(super) fn names_an_event(line: &[u8]) -> bool {
    EVENT_WORDS
        .iter()
        .any(|word| memmem::find(line, word).is_some())
}

/// Whether a line after the first is a JSON object with one of [`EVENT_WORDS`].
pub(super) fn holds_event_line(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').skip(1);
    lines.any(|line| {
        let line = line.trim_ascii();
        line.first() == Some(&b'{')
            && names_an_event(line)
            && Scanner::new().scan(line, true) == Scan::Complete(line.len())
    })
}

/// Where the last name of an event's member begins. What stands before it is not looked at, because a line with many
/// events is searched once for each of them.
fn last_member(line: &[u8]) -> Option<usize> {
    let ends = memchr::memrchr_iter(b'"', line);
    let mut starts = ends.filter_map(|end| {
        let ends_here = |member: &&&[u8]| line[..=end].ends_with(member);
        Some(end + 1 - EVENT_MEMBERS.iter().find(ends_here)?.len())
    });
    starts.next()
}

/// Where the first event after the byte `at` begins in the line. Values are scanned as a whole, so
/// an event within another value is not found.
pub(super) fn event_within(line: &[u8], mut at: usize) -> Option<usize> {
    let last = last_member(line)?;
    loop {
        let start = at + memchr::memchr(b'{', line.get(at..last)?)?;
        at = match Scanner::new().scan(&line[start..], true) {
            Scan::Complete(length) => {
                let end = start + length;
                let holds = |member: &&[u8]| memmem::find(&line[start..end], member).is_some();
                if EVENT_MEMBERS.iter().any(holds) {
                    return Some(start);
                }
                end
            }
            Scan::Broken { at, .. } => start + at.max(1),
            Scan::Unfinished | Scan::Object => return None,
        };
    }
}
