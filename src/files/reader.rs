//! Splits a text into events: JSON values one after the other, arrays among them into their elements.
//! If the text is not valid JSON, it is read line by line: every line that is an object is an event,
//! whatever other lines are around it ([`super::lines`]).
//! Invariant: each byte is scanned at most a fixed number of times.

use std::io::{self, Read};

use super::MAX_EVENT_BYTES;
use super::batch::Batch;
use super::content::Content;
use super::damage::Damage;
use super::event_text::holds_event_line;
use super::report::{Loss, Report};
use super::scan::{Scan, Scanner, after_space};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The byte before each text of a JSON text sequence (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

/// A batch is returned once it has so many bytes or events.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_EVENTS: usize = 1_024;

/// Where the reader is in the JSON structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonPosition {
    /// Between JSON values.
    Between,
    /// After an array's opening bracket.
    Opened,
    /// After an element.
    Element,
    /// After a comma.
    Comma,
    End,
}

/// What the window begins with.
enum Begin {
    /// An array of objects.
    Objects,
    /// A JSON value without objects, up to the end of its line.
    Scalars,
    /// Something else.
    OtherText,
}

/// Reads the events of one file: an iterator of batches that ends after the first error.
pub struct FileReader {
    pub(super) content: Content,
    pub(super) place: JsonPosition,
    /// Longest event that is kept, in bytes.
    pub(super) limit: usize,
    /// Where the current array begins: byte and line.
    array: (u64, u64),
    /// Whether text was found that is not JSON; from then on a line that is not an object is noise.
    pub(super) is_mixed: bool,
    /// Up to this offset the text is JSON without objects.
    scalars_until: u64,
    /// Values that begin before this offset must end on their line, because the text up to here was
    /// found to be broken.
    pub(super) by_lines_until: u64,
    pub(super) damage: Option<Damage>,
    pub(super) report: Report,
}

impl FileReader {
    /// `raw` is the content of the file, compressed or not.
    ///
    /// # Errors
    /// Nothing of it can be read or decompressed.
    pub fn new(raw: impl Read + Send + 'static) -> io::Result<FileReader> {
        FileReader::with_limit(raw, MAX_EVENT_BYTES)
    }

    fn with_limit(raw: impl Read + Send + 'static, limit: usize) -> io::Result<FileReader> {
        Ok(FileReader {
            content: Content::new(raw)?,
            place: JsonPosition::Between,
            limit,
            array: (0, 1),
            is_mixed: false,
            scalars_until: 0,
            by_lines_until: 0,
            damage: None,
            report: Report::default(),
        })
    }

    /// A summary of the text that was read so far.
    pub fn report(&self) -> Report {
        self.report.clone()
    }

    /// Consumes one value, line or punctuation mark; false at the end.
    fn step(&mut self, batch: &mut Batch) -> bool {
        if self.place == JsonPosition::End {
            return false;
        }
        let Some(byte) = self.next_byte() else {
            self.end(batch);
            return false;
        };
        match (self.place, byte) {
            (JsonPosition::Between, b'{') => self.value(batch),
            // Part of an array whose beginning was damaged.
            (JsonPosition::Between, b',' | b']') => self.skip(1),
            (JsonPosition::Between, byte) => match self.begins_with(byte) {
                Begin::Objects => self.open_array(batch),
                Begin::Scalars if byte == b'[' => self.open_array(batch),
                Begin::Scalars => self.value(batch),
                Begin::OtherText => self.other_text(batch),
            },
            (JsonPosition::Opened | JsonPosition::Element | JsonPosition::Comma, b']') => {
                self.go_on(JsonPosition::Between)
            }
            (JsonPosition::Element, b',') => self.go_on(JsonPosition::Comma),
            // A comma is missing; the object is read as an event all the same.
            (JsonPosition::Element, b'{') => {
                self.is_mixed = true;
                self.place = JsonPosition::Between;
            }
            (JsonPosition::Element, _) => self.broken(batch, 0, "expected `,` or `]`"),
            _ => self.value(batch),
        }
        true
    }

    fn go_on(&mut self, place: JsonPosition) {
        self.content.consume(1);
        self.place = place;
    }

    fn open_array(&mut self, batch: &mut Batch) {
        self.close_damage(batch);
        self.array = (self.content.offset(), self.content.line());
        self.go_on(JsonPosition::Opened);
    }

    /// Appends the JSON value at the window's begin.
    fn value(&mut self, batch: &mut Batch) {
        match self.scan(Scanner::new()) {
            Scan::Complete(length) if self.hides_events(length) => {
                self.by_lines_until = self.content.offset() + length as u64;
            }
            Scan::Complete(length) => {
                self.close_damage(batch);
                let text = &self.content.window()[..length];
                match length <= self.limit {
                    true => batch.push_event(text),
                    false => batch.push_unread(crate::event::Digest::of(text), None),
                }
                self.content.consume(length);
                if self.place != JsonPosition::Between {
                    self.place = JsonPosition::Element;
                }
            }
            Scan::Broken { at, what } => self.broken(batch, at, what),
            Scan::Unfinished | Scan::Object => {
                let length = self.content.window().len();
                if self.content.is_ended() && length <= self.limit {
                    return self.broken(batch, length, "the text ends within a value");
                }
                if self.content.line_end(self.limit).is_none() {
                    return self.too_long(batch);
                }
                self.broken(batch, length, "a value does not end");
            }
        }
    }

    /// Whether the value of so many bytes at the window's begin consists of lines that only by chance make
    /// one value: `{"a":`, an event, and `}`. This is assumed only after noise was found.
    fn hides_events(&self, length: usize) -> bool {
        let is_chance = self.is_mixed && self.place == JsonPosition::Between;
        is_chance && holds_event_line(&self.content.window()[..length])
    }

    /// Scans the value at the window's begin; the window grows as needed, up to the limit.
    fn scan(&mut self, mut scanner: Scanner) -> Scan {
        if self.goes_by_lines() {
            return match self.content.line_end(self.limit) {
                Some(end) => match scanner.scan(&self.content.window()[..end], true) {
                    Scan::Unfinished => Scan::Broken {
                        at: end,
                        what: "the line ends within a value",
                    },
                    decided => decided,
                },
                None => Scan::Unfinished,
            };
        }
        loop {
            let (window, ended) = (self.content.window(), self.content.is_ended());
            let scan = scanner.scan(window, ended);
            if scan != Scan::Unfinished || window.len() > self.limit || !self.content.grow() {
                return scan;
            }
        }
    }

    /// Whether a value may not go beyond its line: where the text was looked at to a fault before, or
    /// it stands within what is damaged.
    fn goes_by_lines(&self) -> bool {
        let column = self.content.column();
        self.content.offset() < self.by_lines_until
            || self
                .damage
                .as_ref()
                .is_some_and(|damage| column > damage.start.column)
    }

    /// Whether it is JSON that begins here with something else than an object.
    fn begins_with(&mut self, byte: u8) -> Begin {
        if self.content.offset() < self.scalars_until {
            return Begin::Scalars;
        }
        if !(matches!(byte, b'[' | b'"' | b'-' | b't' | b'f' | b'n') || byte.is_ascii_digit()) {
            return Begin::OtherText;
        }
        match self.scan(Scanner::seeking_object()) {
            // Unfinished is what is cut off at the text's end, or too long to be looked through.
            Scan::Object | Scan::Unfinished => Begin::Objects,
            Scan::Broken { at, .. } => {
                let until = self.content.offset() + at as u64;
                self.by_lines_until = self.by_lines_until.max(until);
                Begin::OtherText
            }
            Scan::Complete(_) if self.is_mixed => Begin::OtherText,
            Scan::Complete(length) => self.goes_on_with_json(length),
        }
    }

    /// Whether only JSON follows on the line after so many bytes of it.
    fn goes_on_with_json(&mut self, length: usize) -> Begin {
        let end = self.line_length().max(length);
        let line = &self.content.window()[..end];
        let mut at = after_space(line, length);
        while !matches!(line.get(at), None | Some(b'{')) {
            match Scanner::seeking_object().scan(&line[at..], true) {
                Scan::Complete(length) => at = after_space(line, at + length),
                Scan::Object | Scan::Unfinished => break,
                Scan::Broken { .. } => return Begin::OtherText,
            }
        }
        self.scalars_until = self.content.offset() + at as u64;
        Begin::Scalars
    }

    /// The next byte that is neither white space nor a mark of where a text begins; it becomes the
    /// window's first.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let window = self.content.window();
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == RECORD_SEPARATOR;
            let blank = window.iter().take_while(|byte| is_blank(byte)).count();
            self.skip(blank);
            let window = self.content.window();
            if window.starts_with(BYTE_ORDER_MARK) {
                self.skip(BYTE_ORDER_MARK.len());
                continue;
            }
            let may_be_mark = BYTE_ORDER_MARK.starts_with(window);
            match window.first() {
                Some(byte) if !may_be_mark => return Some(*byte),
                first => {
                    let first = first.copied();
                    if !self.content.grow() {
                        return first;
                    }
                }
            }
        }
    }

    /// Consumes what is no part of a value; what is damaged keeps it.
    fn skip(&mut self, bytes: usize) {
        if let Some(damage) = &mut self.damage {
            damage.push(&self.content.window()[..bytes], self.limit);
        }
        self.content.consume(bytes);
    }

    fn end(&mut self, batch: &mut Batch) {
        self.close_damage(batch);
        if self.place != JsonPosition::Between {
            let (offset, line) = self.array;
            self.report.note_loss(Loss {
                offset,
                line,
                bytes: 0,
                what: "the array that begins here is not closed".into(),
            });
        }
        self.place = JsonPosition::End;
    }
}

impl Iterator for FileReader {
    type Item = io::Result<Batch>;

    fn next(&mut self) -> Option<io::Result<Batch>> {
        let mut batch = Batch::starting_at(self.report.records as i64);
        while batch.len() < BATCH_EVENTS && batch.size() < BATCH_BYTES {
            if !self.step(&mut batch) {
                break;
            }
        }
        self.report.records += batch.len() as u64;
        if !batch.is_empty() {
            return Some(Ok(batch));
        }
        // What was read before it comes first.
        self.content.take_error().map(Err)
    }
}

#[cfg(test)]
mod tests;
