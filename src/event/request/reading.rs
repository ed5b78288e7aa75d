//! Goes through the data of a request: its objects, and its values with the names that lead to them. Text that is JSON
//! is opened, and text that is encoded as in a URL is decoded.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::fact::Visited;
use super::names::Name;
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::sigma::Value;

/// How many texts may be opened within each other: text within text takes as much time and memory once more.
const MOST_OPENED: usize = 3;

/// Collects one kind of facts.
pub(super) trait Reader {
    /// An object, before its members.
    fn object(&mut self, _names: &[Name], _object: Object<'_, '_>) -> Visited {
        ControlFlow::Continue(())
    }

    /// An array, before its elements.
    fn array(&mut self, _names: &[Name], _array: Object<'_, '_>) -> Visited {
        ControlFlow::Continue(())
    }

    /// A value that is not an object or an array with elements. Texts are without blanks around them.
    fn value(&mut self, _place: Place<'_>, _value: Value<'_>) -> Visited {
        ControlFlow::Continue(())
    }
}

/// Where a value is.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// The names of the members that lead to it, the last one first to be asked.
    pub(super) names: &'p [Name],
    /// The object that it is in.
    pub(super) object: Option<Object<'p, 'p>>,
}

/// An object or an array.
#[derive(Clone, Copy)]
pub(super) struct Object<'o, 'a> {
    document: &'o Document<'a>,
    node: NodeId,
    left_out: &'o [NodeId],
}

impl<'o> Object<'o, '_> {
    /// Its members with their names, or its elements.
    pub(super) fn members(self) -> impl Iterator<Item = (Cow<'o, str>, NodeId)> {
        let children = self.document.children(self.node);
        let is_read = move |child: &NodeId| self.left_out.binary_search(child).is_err();
        let children = children.filter(is_read);
        children.map(move |child| (self.document.key(child), child))
    }

    /// Whether it has no members.
    pub(super) fn is_empty(self) -> bool {
        self.document.is_leaf(self.node)
    }

    /// The text of a member that is one.
    pub(super) fn text(self, member: NodeId) -> Option<Text<'o>> {
        self.document.text(member)
    }

    /// Whether a member is `false` or null.
    pub(super) fn is_off(self, member: NodeId) -> bool {
        matches!(self.document.raw(member), "false" | "null")
    }

    /// Visits the values of a member: itself, or the elements of an array at any depth of arrays, also of an array that
    /// a text holds. Not those of objects.
    pub(super) fn scalars(
        self,
        node: NodeId,
        visit: &mut dyn FnMut(Value<'_>) -> Visited,
    ) -> Visited {
        scalars(self.document, node, MOST_OPENED, visit)
    }

    /// Whether a member is an array, or a text that looks like one.
    pub(super) fn is_array(self, node: NodeId) -> bool {
        let is_list = |text: &str| text.trim_start().starts_with('[');
        match self.document.kind(node) {
            ValueKind::String => self.document.text(node).is_some_and(|text| is_list(&text)),
            kind => kind == ValueKind::Array,
        }
    }

    /// Calls a function with a member that is an object, or a text that holds one.
    pub(super) fn inner(
        self,
        node: NodeId,
        call: &mut dyn FnMut(Object<'_, '_>) -> Visited,
    ) -> Visited {
        match self.document.kind(node) {
            ValueKind::Object => call(Object { node, ..self }),
            ValueKind::String => with_value(self.document, node, &mut |value| {
                let text = value.text().unwrap_or_default();
                let Some(document) = opened(&text) else {
                    return ControlFlow::Continue(());
                };
                let node = document.root();
                match document.kind(node) {
                    ValueKind::Object => call(Object {
                        document: &document,
                        node,
                        left_out: &left_out_of(&document, self.left_out),
                    }),
                    _ => ControlFlow::Continue(()),
                }
            }),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// See [`Object::scalars`]; so many texts may be opened within each other.
fn scalars(
    document: &Document<'_>,
    node: NodeId,
    opens: usize,
    visit: &mut dyn FnMut(Value<'_>) -> Visited,
) -> Visited {
    match document.kind(node) {
        ValueKind::Array if !document.is_leaf(node) => {
            let mut children = document.children(node);
            children.try_for_each(|child| scalars(document, child, opens, visit))
        }
        ValueKind::Object => ControlFlow::Continue(()),
        _ => with_value(document, node, &mut |value| {
            if let Value::String(text) = value
                && opens > 0
                && let Some(inner) = opened(text)
            {
                return scalars(&inner, inner.root(), opens - 1, visit);
            }
            visit(value)
        }),
    }
}

/// Calls a function with the value of a node; a text is decoded, and without blanks around it.
fn with_value(
    document: &Document<'_>,
    node: NodeId,
    call: &mut dyn FnMut(Value<'_>) -> Visited,
) -> Visited {
    match document.kind(node) {
        ValueKind::Null => call(Value::Null),
        ValueKind::Bool => call(Value::Bool(document.raw(node) == "true")),
        ValueKind::Number => call(Value::Number(document.raw(node))),
        ValueKind::Array | ValueKind::Object => call(Value::Composite),
        ValueKind::String => {
            let text = document.text(node).unwrap_or_default();
            call(Value::String(decoded(&text).trim()))
        }
    }
}

/// The JSON that a text holds: an object or an array, or a text that holds such a text.
pub(super) fn opened(text: &str) -> Option<Document<'_>> {
    let is_open = match text.as_bytes() {
        [b'{', .., b'}'] | [b'[', .., b']'] => true,
        [b'"', .., b'"'] => text.contains(['{', '[']),
        _ => false,
    };
    is_open.then(|| Document::parse(text.as_bytes()).ok())?
}

/// A text without the escapes of URLs; as it is if they are none.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        match escaped {
            Some((high, low)) => {
                bytes.extend(u8::try_from(16 * high + low));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Goes through the data, without the nodes that are left out, which are in document order.
pub(super) fn read(
    document: &Document<'_>,
    data: &[NodeId],
    left_out: &[NodeId],
    reader: &mut dyn Reader,
) -> Visited {
    let mut tour = Tour {
        names: Vec::new(),
        opened: 0,
    };
    let part = Part {
        document,
        left_out,
        object: None,
    };
    data.iter()
        .try_for_each(|data| tour.node(part, *data, reader))
}

/// What is left out of the JSON that a text holds, where so much is left out around it.
fn left_out_of(document: &Document<'_>, around: &[NodeId]) -> Vec<NodeId> {
    match around.is_empty() {
        true => Vec::new(),
        false => document.repeated_members(),
    }
}

/// The state while the data is gone through.
struct Tour {
    names: Vec<Name>,
    opened: usize,
}

/// What is gone through: the record, or a text of it that was opened.
#[derive(Clone, Copy)]
struct Part<'p> {
    document: &'p Document<'p>,
    left_out: &'p [NodeId],
    object: Option<Object<'p, 'p>>,
}

impl Tour {
    fn node(&mut self, part: Part<'_>, node: NodeId, reader: &mut dyn Reader) -> Visited {
        let document = part.document;
        if part.left_out.binary_search(&node).is_ok() {
            return ControlFlow::Continue(());
        }
        let left_out = part.left_out;
        let within = Object {
            document,
            node,
            left_out,
        };
        match document.kind(node) {
            ValueKind::Object if !document.is_leaf(node) => {
                reader.object(&self.names, within)?;
                let part = Part {
                    object: Some(within),
                    ..part
                };
                within.members().try_for_each(|(name, member)| {
                    self.names.push(Name::new(name));
                    let visited = self.node(part, member, reader);
                    self.names.pop();
                    visited
                })
            }
            ValueKind::Array if !document.is_leaf(node) => {
                reader.array(&self.names, within)?;
                let mut elements = document.children(node);
                elements.try_for_each(|element| self.node(part, element, reader))
            }
            _ => with_value(document, node, &mut |value| self.value(part, value, reader)),
        }
    }

    /// A value; the JSON that a text holds is gone through in its place.
    fn value(&mut self, part: Part<'_>, value: Value<'_>, reader: &mut dyn Reader) -> Visited {
        if let Value::String(text) = value
            && self.opened < MOST_OPENED
            && let Some(document) = opened(text)
        {
            self.opened += 1;
            let inner = Part {
                document: &document,
                left_out: &left_out_of(&document, part.left_out),
                object: None,
            };
            let visited = self.node(inner, document.root(), reader);
            self.opened -= 1;
            return visited;
        }
        let place = Place {
            names: &self.names,
            object: part.object,
        };
        reader.value(place, value)
    }
}
