//! Copies nodes of a document without white space outside of strings: either completely, or without
//! marked nodes.

use super::document::Document;
use super::node::{Node, NodeId, Span, ValueKind};

impl Document<'_> {
    /// Appends the value without white space outside of strings.
    pub fn write_compact(&self, id: NodeId, out: &mut Vec<u8>) {
        if self.compact {
            out.extend_from_slice(self.raw(id).as_bytes());
            return;
        }
        match self.kind(id) {
            kind @ (ValueKind::Array | ValueKind::Object) => {
                out.push(if kind == ValueKind::Array { b'[' } else { b'{' });
                for (index, child) in self.children(id).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    if kind == ValueKind::Object {
                        self.write_key(child, out);
                    }
                    self.write_compact(child, out);
                }
                out.push(if kind == ValueKind::Array { b']' } else { b'}' });
            }
            _ => out.extend_from_slice(self.raw(id).as_bytes()),
        }
    }

    /// Appends the node's name as written, with quotes and colon.
    #[inline]
    pub fn write_key(&self, id: NodeId, out: &mut Vec<u8>) {
        let key = self.node(id).key;
        out.push(b'"');
        out.extend_from_slice(key.bytes_of(self.text));
        out.extend_from_slice(b"\":");
    }

    /// Whether a leaf at or below this node is not marked.
    pub fn has_unmarked_leaf(&self, id: NodeId) -> bool {
        let mut below = self.nodes_of(id);
        below.any(|node| !self.is_marked(node) && self.is_leaf(node))
    }

    /// Appends the unmarked parts of a node that has an unmarked leaf. Containers without unmarked parts
    /// are left out.
    pub(super) fn write_unmarked(&self, id: NodeId, out: &mut Vec<u8>) {
        if self.has_marks(id) {
            self.write_unmarked_child(id, self.node(id), false, out);
        } else {
            self.write_compact(id, out);
        }
    }

    /// The same for the children of a container, each member or element with a comma.
    pub(super) fn write_unmarked_below(&self, id: NodeId, out: &mut Vec<u8>) {
        let named = self.kind(id) == ValueKind::Object;
        for (child, node) in self.nodes_in(id) {
            // A marked node is marked as a whole, so its children need not be visited.
            if self.is_marked(child) {
                continue;
            }
            if self.is_leaf(child) || !self.has_marks(child) {
                self.write_child(child, node, named, out);
            } else if self.has_unmarked_leaf(child) {
                self.write_unmarked_child(child, node, named, out);
            } else {
                continue;
            }
            out.push(b',');
        }
    }

    /// Appends a member of an object, name and value, or an element of an array.
    #[inline]
    fn write_child(&self, id: NodeId, node: &Node, named: bool, out: &mut Vec<u8>) {
        if self.compact {
            let end = node.value.end + u32::from(node.kind == ValueKind::String);
            self.write_child_up_to(end, node, named, out);
        } else {
            if named {
                self.write_key(id, out);
            }
            self.write_compact(id, out);
        }
    }

    /// The same for the unmarked parts of a container.
    #[inline(always)]
    fn write_unmarked_child(&self, id: NodeId, node: &Node, named: bool, out: &mut Vec<u8>) {
        let (open, bracket) = match node.kind {
            ValueKind::Array => (b'[', b']'),
            _ => (b'{', b'}'),
        };
        if self.compact {
            self.write_child_up_to(node.value.start + 1, node, named, out);
        } else {
            if named {
                self.write_key(id, out);
            }
            out.push(open);
        }
        self.write_unmarked_below(id, out);
        if let Some(last_comma) = out.last_mut() {
            *last_comma = bracket;
        }
    }

    /// Appends the beginning of a member or element of a document without white space.
    #[inline]
    fn write_child_up_to(&self, end: u32, node: &Node, named: bool, out: &mut Vec<u8>) {
        let start = match named {
            true => node.key.start - 1,
            false => node.value.start - u32::from(node.kind == ValueKind::String),
        };
        out.extend_from_slice(Span { start, end }.bytes_of(self.text));
    }
}
