//! Text that is not valid JSON, line by line: an event after other text, a broken event, or noise
//! (a line without an event). Invariant: a line with one of the words of an event is never noise.

use super::batch::Batch;
use super::damage::{Damage, Start};
use super::event_text::{begins_object, event_within, names_an_event};
use super::reader::{FileReader, JsonPosition};
use super::report::Loss;

impl FileReader {
    /// Consumes a line, or the rest of one, that does not begin like JSON.
    pub(super) fn other_text(&mut self, batch: &mut Batch) {
        self.is_mixed = true;
        let length = self.line_length();
        match event_within(&self.content.window()[..length], 0) {
            Some(at) => {
                self.report.prefixed_lines += 1;
                self.close_damage(batch);
                self.content.consume(at);
            }
            None => self.damaged_line(batch, 0, "no event begins here", false),
        }
    }

    /// Consumes text that is JSON up to the byte `at` of the window: the rest of its line if the error is
    /// on it. Otherwise the value has several lines, and it is unknown how many.
    pub(super) fn broken(&mut self, batch: &mut Batch, at: usize, what: &str) {
        self.is_mixed = true;
        let in_array = self.place != JsonPosition::Between;
        self.place = JsonPosition::Between;
        let length = self.line_length();
        if memchr::memchr(b'\n', &self.content.window()[..at]).is_none() {
            return self.damaged_line(batch, at.min(length), what, in_array);
        }
        let until = self.content.offset() + at as u64;
        self.by_lines_until = self.by_lines_until.max(until);
        let start = self.start();
        let damage = self
            .damage
            .get_or_insert_with(|| Damage::new(start, what, in_array));
        damage.push_line(&self.content.window()[..length], self.limit);
        self.content.consume(length);
    }

    /// Consumes the rest of a line, up to the first event in it after the byte `at`.
    fn damaged_line(&mut self, batch: &mut Batch, at: usize, what: &str, in_array: bool) {
        let length = self.line_length();
        let line = &self.content.window()[..length];
        let goes_on = self.damage.is_some();
        if !goes_on && !in_array && !begins_object(line) && !names_an_event(line) {
            return self.noise(length);
        }
        let end = event_within(line, at)
            .filter(|_| !goes_on)
            .unwrap_or(length);
        let start = self.start();
        let damage = self
            .damage
            .get_or_insert_with(|| Damage::new(start, what, in_array));
        damage.push_line(&line[..end], self.limit);
        self.content.consume(end);
        if end < length {
            return self.close_damage(batch);
        }
        let (damage, limit) = (&mut self.damage, self.limit);
        self.content.take_until(line_break, |part| {
            if let Some(damage) = damage {
                damage.push(part, limit);
            }
        });
        if !goes_on {
            self.close_damage(batch);
        }
    }

    fn noise(&mut self, length: usize) {
        let number = self.content.line();
        let line = self.content.window()[..length].trim_ascii_end();
        let mut bytes = line.len() as u64;
        self.report.note_noise(number, line);
        self.content.consume(length);
        self.content
            .take_until(line_break, |part| bytes += part.len() as u64);
        self.report.noise_bytes += bytes;
    }

    /// Consumes a value that is longer than the limit, up to the end of its line at most.
    pub(super) fn too_long(&mut self, batch: &mut Batch) {
        self.close_damage(batch);
        let start = self.start();
        let mut nesting = Nesting::default();
        let digest = self.content.digest_until(|part| nesting.end(part));
        if nesting.is_closed() {
            batch.push_unread(digest, None);
            if self.place != JsonPosition::Between {
                self.place = JsonPosition::Element;
            }
            return;
        }
        self.place = JsonPosition::Between;
        self.is_mixed = true;
        let what = "a value does not end on its line".to_owned();
        batch.push_unread(digest, Some(start.detail(&what)));
        let bytes = digest.size;
        self.report.note_loss(Loss {
            bytes,
            ..start.loss(what)
        });
    }

    /// The length of the rest of the line, at most the limit.
    pub(super) fn line_length(&mut self) -> usize {
        match self.content.line_end(self.limit) {
            Some(end) => end,
            None => self.limit.min(self.content.window().len()),
        }
    }

    fn start(&self) -> Start {
        Start {
            offset: self.content.offset(),
            line: self.content.line(),
            column: self.content.column(),
        }
    }

    /// Appends the collected damaged text, because an event or the end follows.
    pub(super) fn close_damage(&mut self, batch: &mut Batch) {
        if let Some(loss) = self.damage.take().and_then(|damage| damage.close(batch)) {
            self.report.note_loss(loss);
        }
    }
}

fn line_break(text: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', text)
}

/// The nesting of a value that is too long to be kept: only its quotes and brackets are followed.
#[derive(Debug, Default)]
struct Nesting {
    depth: u64,
    in_string: bool,
    escaped: bool,
    closed: bool,
}

impl Nesting {
    /// Where the value, or its line, ends in the next part of the text.
    fn end(&mut self, part: &[u8]) -> Option<usize> {
        for (at, byte) in part.iter().enumerate() {
            match byte {
                b'\n' => return Some(at),
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => continue,
            }
            if self.depth == 0 && !self.in_string {
                self.closed = true;
                return Some(at + 1);
            }
        }
        None
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}
