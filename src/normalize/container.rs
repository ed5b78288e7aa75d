//! A record that is no event itself but holds events: a list of them, or one within another value.
//! Invariant: what stands around the events is not lost; each of them carries it.

use std::borrow::Cow;

use super::error::NormalizeError;
use super::walk;
use crate::event::MAX_EVENTS_IN_RECORD;
use crate::json::{Document, NodeId, ValueKind};

/// A value that holds events.
#[derive(Debug)]
pub struct Container<'a> {
    /// The whole value. What belongs to the events is marked, the rest stands around them.
    pub document: Document<'a>,
    /// The JSON of each event, in order.
    pub events: Vec<Cow<'a, str>>,
    /// Whether it is a list; else it holds one event.
    pub is_list: bool,
    /// When it was written, milliseconds since the Unix epoch, if the value says so.
    pub timestamp_ms: Option<i64>,
}

/// In what an event was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Within<'a> {
    /// The innermost container, if something stands around the event in it.
    pub around: Option<&'a Document<'a>>,
    /// Whether it is an element of a list.
    pub in_list: bool,
    /// Whether it is within another value.
    pub in_wrapper: bool,
}

impl<'a> Container<'a> {
    /// A value of which this node is the only event: as an object, or as a text that is JSON.
    pub(super) fn wrapper(mut document: Document<'a>, event: NodeId) -> Container<'a> {
        let text = match document.kind(event) {
            ValueKind::String => document.text(event).map(Cow::from),
            _ => None,
        };
        let text = text.unwrap_or(Cow::Borrowed(document.raw(event)));
        document.mark(event);
        Container {
            document,
            events: vec![text],
            is_list: false,
            timestamp_ms: None,
        }
    }

    /// A value of which this node is the list of events.
    ///
    /// # Errors
    /// The list is empty, holds no object, or is longer than [`MAX_EVENTS_IN_RECORD`].
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
            document,
            events,
            is_list: true,
            timestamp_ms: None,
        })
    }

    /// In what its events are, when it is itself within `outer`.
    ///
    /// # Errors
    /// A list within a list, a wrapper within a wrapper, something around the events of both, or a name
    /// that occurs twice around the events.
    pub fn within<'c>(&'c self, outer: &Within<'c>) -> Result<Within<'c>, NormalizeError> {
        let document = &self.document;
        walk::refuse_repeated_names(document, |node| document.is_marked(node))?;
        let is_around = document.has_unmarked_leaf(document.root());
        let is_second = match self.is_list {
            true => outer.in_list,
            false => outer.in_wrapper,
        };
        if is_second || is_around && outer.around.is_some() {
            return Err(NormalizeError::Unrecognized);
        }
        Ok(Within {
            around: is_around.then_some(document).or(outer.around),
            in_list: outer.in_list || self.is_list,
            in_wrapper: outer.in_wrapper || !self.is_list,
        })
    }
}
