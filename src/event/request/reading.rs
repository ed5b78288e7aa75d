//! Goes through the data of a request: its objects, and its values with the names that lead to them. The JSON in a
//! text is gone through in its place, and the value of a patch's operation under the names of its path.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use super::fact::Visited;
use super::names::Name;
use super::object::{MOST_OPENED, Object, left_out_of, opened, with_value};
use super::patch::{MOST_PATCHES, Patch};
use crate::json::{Document, NodeId, ValueKind};
use crate::sigma::Value;

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
    object: Option<&'p Around<'p>>,
}

/// An object around values, with what is the same for all of them: it is found out once.
struct Around<'p> {
    object: Object<'p, 'p>,
    describes_resource: OnceCell<bool>,
}

impl Place<'_> {
    /// Whether the value is in an object that describes a resource.
    pub(super) fn is_of_resource(self) -> bool {
        self.object.is_some_and(|around| {
            let describes = || around.object.describes_resource();
            *around.describes_resource.get_or_init(describes)
        })
    }
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
        patches: 0,
    };
    let part = Part {
        document,
        left_out,
        object: None,
    };
    data.iter()
        .try_for_each(|data| tour.node(part, *data, reader))
}

/// The state while the data is gone through.
struct Tour {
    names: Vec<Name>,
    opened: usize,
    /// How many operations of a JSON Patch are around.
    patches: usize,
}

/// What is gone through: the record, or a text of it that was opened.
#[derive(Clone, Copy)]
struct Part<'p> {
    document: &'p Document<'p>,
    left_out: &'p [NodeId],
    object: Option<&'p Around<'p>>,
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
            // The value of the member that it is.
            ValueKind::Object if !self.names.is_empty() && within.is_value() => {
                let mut members = within.members();
                members.try_for_each(|(_, member)| self.node(part, member, reader))
            }
            ValueKind::Object if !document.is_leaf(node) => {
                reader.object(&self.names, within)?;
                let around = Around {
                    object: within,
                    describes_resource: OnceCell::new(),
                };
                let part = Part {
                    object: Some(&around),
                    ..part
                };
                let patch = (self.patches < MOST_PATCHES).then(|| Patch::of(within));
                let Some(patch) = patch.flatten() else {
                    return self.members(part, within, reader);
                };
                self.patches += 1;
                let visited = self.members(part, within, reader);
                self.patches -= 1;
                visited?;
                self.patch(part, patch, reader)
            }
            ValueKind::Array if !document.is_leaf(node) => {
                reader.array(&self.names, within)?;
                let mut elements = document.children(node);
                elements.try_for_each(|element| self.node(part, element, reader))
            }
            _ => with_value(document, node, &mut |value| self.value(part, value, reader)),
        }
    }

    fn members(
        &mut self,
        part: Part<'_>,
        object: Object<'_, '_>,
        reader: &mut dyn Reader,
    ) -> Visited {
        object.members().try_for_each(|(name, member)| {
            self.names.push(Name::new(name));
            let visited = self.node(part, member, reader);
            self.names.pop();
            visited
        })
    }

    /// The values of an operation of a JSON Patch, once more under the names of their path.
    fn patch(&mut self, part: Part<'_>, patch: Patch, reader: &mut dyn Reader) -> Visited {
        let around = (self.names.len(), self.patches);
        // A value is as it is written: within it there are no more operations.
        self.patches = MOST_PATCHES;
        let visited = patch.paths.into_iter().try_for_each(|path| {
            self.names.truncate(around.0);
            self.names.extend(path);
            if patch.removes {
                self.value(part, Value::Null, reader)?;
            }
            let mut values = patch.values.iter();
            values.try_for_each(|value| self.node(part, *value, reader))
        });
        self.names.truncate(around.0);
        self.patches = around.1;
        visited
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
