//! A container: a record that is not itself an event but holds events. It is a list of events, or a wrapper: a
//! value with one event inside.
//! Invariant: the data around the events is not lost; each event gets a copy of it.

use std::borrow::Cow;

use super::error::NormalizeError;
use super::walk;
use crate::event::{MAX_EVENTS_IN_RECORD, RawRecord};
use crate::json::{Document, NodeId, ValueKind};

/// The most bytes that the copies of what stands around a list of events may have together: each event has a copy of
/// the data beside the list, and of the record's key and headers. A real response of a vendor needs a few hundred bytes
/// for each event at most.
pub const MAX_COPIED_BYTES: usize = 8 << 20;

/// A value that holds events: a list of events, or a wrapper around one event.
#[derive(Debug)]
pub struct Container<'a> {
    /// The whole value. The nodes of the events are marked; the other nodes are the data around them.
    pub document: Document<'a>,
    /// Number of bytes of the data around the events.
    pub bytes_around: usize,
    /// The JSON text of each element, in the order of the list. An element of a list need not be an event.
    pub events: Vec<Cow<'a, str>>,
    /// Whether it is a list; otherwise it is a wrapper around one event.
    pub is_list: bool,
    /// When the container was written, milliseconds since the Unix epoch, if the value states it.
    pub timestamp_ms: Option<i64>,
}

/// The containers in which an event was found; the default is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Within<'a> {
    /// The document of the container that has data around the event, if there is one.
    pub around: Option<&'a Document<'a>>,
    /// Number of bytes of that data.
    pub bytes_around: usize,
    /// Whether one of the containers is a list.
    pub in_list: bool,
    /// Whether one of the containers is a wrapper.
    pub in_wrapper: bool,
}

impl<'a> Container<'a> {
    /// A wrapper around the event at this node, which is an object or a string with the JSON text of one.
    pub(super) fn wrapper(mut document: Document<'a>, event: NodeId) -> Container<'a> {
        let text = match document.kind(event) {
            ValueKind::String => document.text(event).map(Cow::from),
            _ => None,
        };
        let text = text.unwrap_or(Cow::Borrowed(document.raw(event)));
        document.mark(event);
        Container {
            bytes_around: bytes_around(&document, event),
            document,
            events: vec![text],
            is_list: false,
            timestamp_ms: None,
        }
    }

    /// A value that has its list of events at this node.
    ///
    /// # Errors
    /// The list is empty, has no object among its elements, or has more than [`MAX_EVENTS_IN_RECORD`] elements.
    pub(super) fn list(
        mut document: Document<'a>,
        list: NodeId,
    ) -> Result<Container<'a>, NormalizeError> {
        let events: Vec<NodeId> = document.children(list).collect();
        if events.is_empty() {
            return Err(NormalizeError::NoEvents);
        }
        let is_object = |event: &NodeId| document.kind(*event) == ValueKind::Object;
        if !events.iter().any(is_object) {
            return Err(NormalizeError::NotAnObject);
        }
        if events.len() > MAX_EVENTS_IN_RECORD as usize {
            return Err(NormalizeError::TooManyEvents {
                count: events.len(),
            });
        }
        let text = |event: NodeId| Cow::Borrowed(document.raw(event));
        let events = events.into_iter().map(text).collect();
        document.mark(list);
        Ok(Container {
            bytes_around: bytes_around(&document, list),
            document,
            events,
            is_list: true,
            timestamp_ms: None,
        })
    }

    /// The record of an event of this container, which was found in `original`; `text` is its JSON.
    pub fn record_of<'r>(&self, original: &RawRecord<'r>, text: &'r str) -> RawRecord<'r> {
        RawRecord {
            timestamp_ms: original.timestamp_ms.or(self.timestamp_ms),
            value: Some(text.as_bytes()),
            ..original.clone()
        }
    }

    /// The containers of this container's events, if the container itself was found in `record` and within `outer`.
    ///
    /// # Errors
    /// A list is within a list, a wrapper is within a wrapper, both containers have data around their events, a
    /// name in that data occurs twice, or the copies of that data and of the record's key and headers would have more
    /// than [`MAX_COPIED_BYTES`].
    pub fn within<'c>(
        &'c self,
        record: &RawRecord<'_>,
        outer: &Within<'c>,
    ) -> Result<Within<'c>, NormalizeError> {
        let document = &self.document;
        walk::refuse_repeated_names(document, |node| document.is_marked(node))?;
        let has_other_data = document.has_unmarked_leaf(document.root());
        let is_second = match self.is_list {
            true => outer.in_list,
            false => outer.in_wrapper,
        };
        if is_second || has_other_data && outer.around.is_some() {
            return Err(NormalizeError::Nested);
        }
        let (around, bytes_around) = match has_other_data {
            true => (Some(document), self.bytes_around),
            false => (outer.around, outer.bytes_around),
        };
        let copies = self.events.len();
        let bytes = bytes_around + bytes_beside_value(record);
        if copies > 1 && bytes.saturating_mul(copies) > MAX_COPIED_BYTES {
            return Err(NormalizeError::TooMuchAroundEvents {
                bytes,
                count: copies,
                most: MAX_COPIED_BYTES,
            });
        }
        Ok(Within {
            around,
            bytes_around,
            in_list: outer.in_list || self.is_list,
            in_wrapper: outer.in_wrapper || !self.is_list,
        })
    }
}

/// Number of bytes of a document without those of the node that holds the events.
fn bytes_around(document: &Document<'_>, events: NodeId) -> usize {
    document.raw(document.root()).len() - document.raw(events).len()
}

/// Number of bytes of a record's key and headers.
fn bytes_beside_value(record: &RawRecord<'_>) -> usize {
    let bytes = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    let headers = record.headers.iter();
    let headers = headers.map(|header| header.name.len() + bytes(header.value));
    bytes(record.key) + headers.sum::<usize>()
}
