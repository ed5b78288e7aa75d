//! How text shows that it is of an event, before it is read as one.

use memchr::memmem;

use super::scan::{Scan, Scanner, after_space};

/// The name of a member that every CloudEvent has.
const EVENT_MEMBER: &[u8] = b"\"specversion\"";

/// Words that a log hardly has: a line that has one is an event that is broken.
const EVENT_WORDS: [&[u8]; 2] = [b"specversion", b"methodName"];

/// Whether it begins as an object does, and not as `{main}` in a log.
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

/// Whether a line after the first is an object by itself that names what events are made of.
pub(super) fn holds_event_line(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').skip(1);
    lines.any(|line| {
        let line = line.trim_ascii();
        line.first() == Some(&b'{')
            && names_an_event(line)
            && Scanner::new().scan(line, true) == Scan::Complete(line.len())
    })
}

/// Where the first CloudEvent begins that stands in the line after the byte `at`. Nothing is looked
/// at twice, and so not what stands within a value.
pub(super) fn event_within(line: &[u8], mut at: usize) -> Option<usize> {
    let last = memmem::rfind(line, EVENT_MEMBER)?;
    loop {
        let start = at + memchr::memchr(b'{', line.get(at..last)?)?;
        at = match Scanner::new().scan(&line[start..], true) {
            Scan::Complete(length) => {
                let end = start + length;
                if memmem::find(&line[start..end], EVENT_MEMBER).is_some() {
                    return Some(start);
                }
                end
            }
            Scan::Broken { at, .. } => start + at.max(1),
            Scan::Unfinished | Scan::Object => return None,
        };
    }
}
