//! Cuts a text into events: lines where it is NDJSON, else JSON values one after the other, arrays
//! among them split into their elements.
//! Invariant: after a fault between or within JSON values nothing is taken for an event any more.

use std::io::{self, Read};

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::batch::Batch;
use super::content::Content;
use super::{MAX_EVENT_BYTES, is_json};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A batch is handed out when it holds so many bytes or events.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_EVENTS: usize = 1_024;

/// What is to be expected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Line,
    /// Between JSON values.
    Outside,
    /// After an array's opening bracket.
    Opened,
    /// After an element.
    Element,
    /// After a comma.
    Comma,
    End,
}

/// Reads the events of one file; an iterator of batches, of which an error is the last item.
pub struct Reader {
    content: Content,
    place: Place,
    number: i64,
    limit: usize,
    failed: Option<io::Error>,
}

impl Reader {
    /// `raw` is what the file holds, compressed or not. It is NDJSON if its name says so or its
    /// first line that is not blank is a JSON value and no array.
    ///
    /// # Errors
    /// It cannot be read or decompressed.
    pub fn new(name: &str, raw: impl Read + Send + 'static) -> io::Result<Reader> {
        Reader::with_limit(name, raw, MAX_EVENT_BYTES)
    }

    fn with_limit(name: &str, raw: impl Read + Send + 'static, limit: usize) -> io::Result<Reader> {
        let mut reader = Reader {
            content: Content::new(raw)?,
            place: Place::Line,
            number: 0,
            limit,
            failed: None,
        };
        let content = &mut reader.content;
        while content.window().len() < BYTE_ORDER_MARK.len() && content.grow()? {}
        if content.window().starts_with(BYTE_ORDER_MARK) {
            content.consume(BYTE_ORDER_MARK.len());
        }
        if !is_named_ndjson(name) && !reader.begins_with_an_event()? {
            reader.place = Place::Outside;
        }
        Ok(reader)
    }

    /// Whether the first line that is not blank is an event by itself.
    fn begins_with_an_event(&mut self) -> io::Result<bool> {
        // An array on one line is a document to be split.
        match self.next_byte()? {
            None | Some(b'[') => return Ok(false),
            Some(_) => {}
        }
        let end = self.line_end()?.unwrap_or(self.content.window().len());
        let line = self.content.window()[..end].trim_ascii();
        Ok(end <= self.limit && is_json(line))
    }

    /// Appends the next event; false at the end.
    fn event(&mut self, batch: &mut Batch) -> io::Result<bool> {
        match self.place {
            Place::Line => self.line(batch),
            _ => self.value(batch),
        }
    }

    fn line(&mut self, batch: &mut Batch) -> io::Result<bool> {
        if self.next_byte()?.is_none() {
            return Ok(false);
        }
        let end = self.line_end()?;
        let length = end.unwrap_or(self.content.window().len());
        if length > self.limit {
            batch.push_unread(self.content.digest_until(Some(b'\n'))?, None);
        } else {
            batch.push_event(self.content.window()[..length].trim_ascii());
            self.content.consume(length);
        }
        Ok(true)
    }

    /// How far the window's first line goes, if it holds all of it; past the limit nobody looks.
    fn line_end(&mut self) -> io::Result<Option<usize>> {
        let mut seen = 0;
        loop {
            let window = self.content.window();
            if let Some(at) = memchr::memchr(b'\n', &window[seen..]) {
                return Ok(Some(seen + at));
            }
            seen = window.len();
            if seen > self.limit || !self.content.grow()? {
                return Ok(None);
            }
        }
    }

    fn value(&mut self, batch: &mut Batch) -> io::Result<bool> {
        loop {
            let byte = match self.place {
                Place::End => return Ok(false),
                _ => self.next_byte()?,
            };
            self.place = match (self.place, byte) {
                (Place::Outside, None) => return Ok(false),
                (Place::Outside, Some(b'[')) => Place::Opened,
                (Place::Opened | Place::Element, Some(b']')) => Place::Outside,
                (Place::Element, Some(b',')) => Place::Comma,
                (_, None) => return self.fault(batch, "the array is not closed"),
                (Place::Element, _) => return self.fault(batch, "expected `,` or `]`"),
                _ => return self.json(batch),
            };
            self.content.consume(1);
        }
    }

    /// Appends the JSON value at the window's begin.
    fn json(&mut self, batch: &mut Batch) -> io::Result<bool> {
        loop {
            let (window, ended) = (self.content.window(), self.content.is_ended());
            let mut values = Deserializer::from_slice(window).into_iter::<&RawValue>();
            let next = values.next();
            let length = values.byte_offset();
            let what = match next {
                // A number at the window's end may go on.
                Some(Ok(value)) if length <= self.limit && (ended || length < window.len()) => {
                    batch.push_event(value.get().as_bytes());
                    self.content.consume(length);
                    if self.place != Place::Outside {
                        self.place = Place::Element;
                    }
                    return Ok(true);
                }
                Some(Err(error)) if ended || !error.is_eof() => error.to_string(),
                _ if window.len() > self.limit => "a value does not end".to_owned(),
                _ => {
                    self.content.grow()?;
                    continue;
                }
            };
            // The line and column of the message are those of the window.
            let what = what.split(" at line ").next().unwrap_or_default();
            return self.fault(batch, what);
        }
    }

    /// Appends what is left of the file.
    fn fault(&mut self, batch: &mut Batch, what: &str) -> io::Result<bool> {
        self.place = Place::End;
        let detail = format!("not JSON from byte {} on: {what}", self.content.offset());
        while self.content.window().len() <= self.limit && self.content.grow()? {}
        if self.content.window().len() > self.limit {
            batch.push_unread(self.content.digest_until(None)?, Some(detail));
            return Ok(true);
        }
        let length = self.content.window().len();
        batch.push_fault(self.content.window().trim_ascii_end(), detail);
        self.content.consume(length);
        Ok(true)
    }

    /// The next byte that is no white space; it becomes the window's first.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            let window = self.content.window();
            let blank = window.len() - window.trim_ascii_start().len();
            self.content.consume(blank);
            if let Some(byte) = self.content.window().first() {
                return Ok(Some(*byte));
            }
            if !self.content.grow()? {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Reader {
    type Item = io::Result<Batch>;

    fn next(&mut self) -> Option<io::Result<Batch>> {
        if let Some(error) = self.failed.take() {
            self.place = Place::End;
            return Some(Err(error));
        }
        let mut batch = Batch::starting_at(self.number);
        while batch.len() < BATCH_EVENTS && batch.size() < BATCH_BYTES {
            match self.event(&mut batch) {
                Ok(true) => self.number += 1,
                Ok(false) => break,
                // What was read before comes first.
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        if batch.is_empty() {
            return self.failed.take().map(|error| {
                self.place = Place::End;
                Err(error)
            });
        }
        Some(Ok(batch))
    }
}

fn is_named_ndjson(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".ndjson") || name.ends_with(".jsonl")
}

#[cfg(test)]
mod tests;
