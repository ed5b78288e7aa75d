//! The objects, arrays and texts of a request. Text that is JSON is opened, text that is encoded as in a URL is decoded, and
//! an object with the name of a type is the value in it.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::fact::Visited;
use super::names::folded;
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::sigma::Value;

/// How many texts may be opened within each other: text within text takes as much time and memory once more.
pub(super) const MOST_OPENED: usize = 3;

/// Members of an object that stands for a value: they name its type, or say that it is one.
const TYPES: [&str; 14] = [
    "bool",
    "boolean",
    "boolvalue",
    "double",
    "float",
    "int",
    "integer",
    "intvalue",
    "long",
    "number",
    "numbervalue",
    "string",
    "stringvalue",
    "value",
];

/// An object or an array.
#[derive(Clone, Copy)]
pub(super) struct Object<'o, 'a> {
    pub(super) document: &'o Document<'a>,
    pub(super) node: NodeId,
    /// Members that are left out, in document order.
    pub(super) left_out: &'o [NodeId],
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
    /// a text holds. Not those of objects, but for those that stand for a value.
    pub(super) fn scalars(
        self,
        node: NodeId,
        visit: &mut dyn FnMut(Value<'_>) -> Visited,
    ) -> Visited {
        self.scalars_within(node, MOST_OPENED, visit)
    }

    /// See [`Object::scalars`]; so many texts may be opened within each other.
    fn scalars_within(
        self,
        node: NodeId,
        opens: usize,
        visit: &mut dyn FnMut(Value<'_>) -> Visited,
    ) -> Visited {
        let document = self.document;
        let object = Object { node, ..self };
        match document.kind(node) {
            ValueKind::Object if !object.is_value() => ControlFlow::Continue(()),
            ValueKind::Array | ValueKind::Object if !object.is_empty() => {
                let mut members = object.members();
                members.try_for_each(|(_, member)| self.scalars_within(member, opens, visit))
            }
            _ => with_value(document, node, &mut |value| {
                if let Value::String(text) = value
                    && opens > 0
                    && let Some(document) = opened(text)
                {
                    let inner = Object {
                        document: &document,
                        node: document.root(),
                        left_out: &left_out_of(&document, self.left_out),
                    };
                    return inner.scalars_within(inner.node, opens - 1, visit);
                }
                visit(value)
            }),
        }
    }

    /// Whether it stands for a value: `{"string": "1000"}`.
    pub(super) fn is_value(self) -> bool {
        let mut members = self.document.children(self.node).peekable();
        members.peek().is_some()
            && members.all(|member| is_type(&folded(&self.document.key(member))))
    }

    /// Whether it describes a resource.
    pub(super) fn describes_resource(self) -> bool {
        self.members().any(|(name, _)| {
            let name = folded(&name);
            name.contains("resource") || name.contains("pattern")
        })
    }

    /// How many bytes a member has.
    pub(super) fn bytes(self, member: NodeId) -> usize {
        self.document.raw(member).len()
    }

    /// Whether a member is an array, or a text that looks like one.
    pub(super) fn is_array(self, node: NodeId) -> bool {
        let is_list = |text: &str| text.trim_start().starts_with('[');
        match self.document.kind(node) {
            ValueKind::String => self.document.text(node).is_some_and(|text| is_list(&text)),
            kind => kind == ValueKind::Array,
        }
    }

    /// Calls a function with a member that is an object, or a text that holds one, and stands for no value.
    pub(super) fn inner(
        self,
        node: NodeId,
        call: &mut dyn FnMut(Object<'_, '_>) -> Visited,
    ) -> Visited {
        match self.document.kind(node) {
            ValueKind::Object => Object { node, ..self }.unless_value(call),
            ValueKind::String => with_value(self.document, node, &mut |value| {
                let text = value.text().unwrap_or_default();
                let Some(document) = opened(&text) else {
                    return ControlFlow::Continue(());
                };
                let node = document.root();
                match document.kind(node) {
                    ValueKind::Object => Object {
                        document: &document,
                        node,
                        left_out: &left_out_of(&document, self.left_out),
                    }
                    .unless_value(call),
                    _ => ControlFlow::Continue(()),
                }
            }),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Calls a function with each object that is an element of a member, also where a text holds the list.
    pub(super) fn elements(
        self,
        node: NodeId,
        call: &mut dyn FnMut(Object<'_, '_>) -> Visited,
    ) -> Visited {
        match self.document.kind(node) {
            ValueKind::Array => {
                let list = Object { node, ..self };
                let mut elements = list.members();
                elements.try_for_each(|(_, element)| list.inner(element, call))
            }
            ValueKind::String => with_value(self.document, node, &mut |value| {
                let text = value.text().unwrap_or_default();
                let Some(document) = opened(&text) else {
                    return ControlFlow::Continue(());
                };
                let inner = Object {
                    document: &document,
                    node: document.root(),
                    left_out: &left_out_of(&document, self.left_out),
                };
                match document.kind(inner.node) {
                    ValueKind::Array => inner.elements(inner.node, call),
                    _ => ControlFlow::Continue(()),
                }
            }),
            _ => ControlFlow::Continue(()),
        }
    }

    fn unless_value(self, call: &mut dyn FnMut(Object<'_, '_>) -> Visited) -> Visited {
        match self.is_value() {
            true => ControlFlow::Continue(()),
            false => call(self),
        }
    }
}

/// Whether a folded name is that of a member that a value is in.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.binary_search(&name).is_ok()
}

/// Calls a function with the value of a node; a text is decoded, and without blanks around it.
pub(super) fn with_value(
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

/// What is left out of the JSON that a text holds, where so much is left out around it.
pub(super) fn left_out_of(document: &Document<'_>, around: &[NodeId]) -> Vec<NodeId> {
    match around.is_empty() {
        true => Vec::new(),
        false => document.repeated_members(),
    }
}
