//! A JSON document that borrows from its text: one pass, one flat list of nodes, nothing decoded
//! until it is asked for. Every node keeps its raw slice, so numbers and strings leave as they came.
//!
//! It accepts what RFC 8259 and I-JSON (RFC 7493) allow: valid UTF-8, no lone surrogates, numbers
//! within a double's range. Repeated keys are kept; [`Document::repeated_key`] finds them.

use std::borrow::Cow;

mod escape;
mod name;
mod parse;
mod write;

use escape::{decode, hex4};
pub use name::same_name;
use name::{Tag, same_bytes};

/// Nesting allowed in a document; deeper ones are refused.
pub const DEPTH_LIMIT: usize = 128;

/// Why a text is not a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nothing but white space.
    #[error("the value is empty")]
    Empty,
    /// Not UTF-8 from this byte on.
    #[error("not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Byte offset in the text.
        offset: usize,
    },
    /// Not JSON.
    #[error("not JSON: {expected} expected at byte {offset}")]
    Syntax {
        /// Byte offset in the text.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
    },
    /// Deeper than [`DEPTH_LIMIT`].
    #[error("nested deeper than {DEPTH_LIMIT} levels at byte {offset}")]
    TooDeep {
        /// Byte offset in the text.
        offset: usize,
    },
    /// A number that no double can hold, such as `1e999`.
    #[error("number out of range at byte {offset}")]
    NumberOutOfRange {
        /// Byte offset in the text.
        offset: usize,
    },
    /// Longer than 4 GiB.
    #[error("longer than 4 GiB")]
    TooLong,
}

impl JsonError {
    /// The outcome as a metric label and dead-letter header.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Syntax { .. } => "not_json",
            Self::TooDeep { .. } => "too_deep",
            Self::NumberOutOfRange { .. } => "number_out_of_range",
            Self::TooLong => "too_long",
        }
    }
}

/// The type of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number, as written.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A node of one document; meaningless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Place of the node in document order, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
    escaped: bool,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// The name in the parent object, without quotes; empty for elements and the root.
    key: Span,
    /// What is known of the name at a glance.
    tag: Tag,
    /// The whole value; for strings without the quotes.
    value: Span,
    /// The node after this one's subtree.
    next: u32,
}

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    /// No white space outside strings: raw slices are already minified.
    compact: bool,
}

impl<'a> Document<'a> {
    /// Parses a whole text.
    ///
    /// # Errors
    /// [`JsonError`], the first fault from the left.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 {
            offset: error.valid_up_to(),
        })?;
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError::TooLong);
        }
        parse::parse(text)
    }

    /// The outermost value.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// How many nodes there are, the root included.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Every node, in document order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The node's type.
    pub fn kind(&self, id: NodeId) -> Kind {
        self.node(id).kind
    }

    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The value as written, a string with its quotes, white space included.
    pub fn raw(&self, id: NodeId) -> &'a str {
        let node = self.node(id);
        match node.kind {
            Kind::String => &self.text[node.value.start as usize - 1..node.value.end as usize + 1],
            _ => self.slice(node.value),
        }
    }

    /// A string's content, decoded; `None` for other types.
    pub fn text(&self, id: NodeId) -> Option<Cow<'a, str>> {
        let node = self.node(id);
        (node.kind == Kind::String).then(|| decode(self.slice(node.value), node.value.escaped))
    }

    /// The name under which the parent object holds this node, decoded; empty for elements.
    pub fn key(&self, id: NodeId) -> Cow<'a, str> {
        let key = self.node(id).key;
        decode(self.slice(key), key.escaped)
    }

    /// The node after this one's whole subtree, in document order.
    pub fn after(&self, id: NodeId) -> usize {
        self.node(id).next as usize
    }

    /// Members of an object or elements of an array, in order; nothing for other types.
    pub fn children(&self, id: NodeId) -> Children<'_, 'a> {
        let node = self.node(id);
        let next = match node.kind {
            Kind::Array | Kind::Object => id.0 + 1,
            _ => node.next,
        };
        Children {
            document: self,
            next,
            end: node.next,
        }
    }

    /// The node and every one below it, in document order.
    pub fn nodes_of(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        (id.0..self.node(id).next).map(NodeId)
    }

    /// Whether nothing is below this node: no container, or an empty one.
    pub fn is_leaf(&self, id: NodeId) -> bool {
        self.node(id).next == id.0 + 1
    }

    /// Whether a container has no children.
    pub fn is_empty_container(&self, id: NodeId) -> bool {
        matches!(self.kind(id), Kind::Array | Kind::Object) && self.node(id).next == id.0 + 1
    }

    /// The bytes of a name as written, without quotes.
    fn key_bytes(&self, id: NodeId) -> &'a [u8] {
        let key = self.node(id).key;
        &self.text.as_bytes()[key.start as usize..key.end as usize]
    }

    /// The name of a node, where it has escapes.
    fn escaped_key(&self, id: NodeId) -> Option<Cow<'a, str>> {
        self.node(id).key.escaped.then(|| self.key(id))
    }

    /// The first member of that exact name.
    pub fn member(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.members(id)
            .find(|&child| match self.escaped_key(child) {
                Some(key) => key == name,
                None => self.key_bytes(child) == name.as_bytes(),
            })
    }

    /// The member of that name, else the first whose name is the same but for case and
    /// underscores: `client_address` answers to `clientAddress`.
    pub fn member_folded(&self, id: NodeId, name: &str) -> Option<NodeId> {
        let (tag, name) = (Tag::of(name), name.as_bytes());
        let mut folded = None;
        let alike = |child: &NodeId| tag.may_be(self.node(*child).tag);
        for child in self.members(id).filter(alike) {
            let decoded = self.escaped_key(child);
            let key = decoded
                .as_ref()
                .map_or(self.key_bytes(child), |key| key.as_bytes());
            if key == name {
                return Some(child);
            }
            if folded.is_none() && same_bytes(key, name) {
                folded = Some(child);
            }
        }
        folded
    }

    /// Members of an object; nothing for other types.
    fn members(&self, id: NodeId) -> Children<'_, 'a> {
        let mut children = self.children(id);
        if self.kind(id) != Kind::Object {
            children.next = children.end;
        }
        children
    }

    /// A name that occurs twice in this object (not in those below it).
    pub fn repeated_key(&self, id: NodeId) -> Option<Cow<'a, str>> {
        if self.names_surely_differ(id) {
            return None;
        }
        if self.members(id).nth(16).is_some() {
            let mut keys: Vec<Cow<'a, str>> =
                self.members(id).map(|child| self.key(child)).collect();
            keys.sort_unstable();
            let twice = keys.windows(2).find(|pair| pair[0] == pair[1])?;
            return Some(twice[0].clone());
        }
        let same = |one, other| match (self.escaped_key(one), self.escaped_key(other)) {
            (None, None) => {
                let (one, other) = (self.key_bytes(one), self.key_bytes(other));
                one.first() == other.first() && one == other
            }
            _ => self.key(one) == self.key(other),
        };
        self.members(id).enumerate().find_map(|(number, child)| {
            let mut before = self.members(id).take(number);
            let known = before.any(|earlier| same(earlier, child));
            known.then(|| self.key(child))
        })
    }

    /// Whether tag and length tell all names apart, which they nearly always do.
    fn names_surely_differ(&self, id: NodeId) -> bool {
        let mut seen = [0_u64; 4];
        self.members(id).all(|child| {
            let Node { key, tag, .. } = self.node(child);
            let length = key.end - key.start;
            let sum = (u32::from(tag.0) << 8 | length & 0xff).wrapping_mul(0x9e37_79b1) >> 24;
            let (word, bit) = ((sum / 64) as usize, 1 << (sum % 64));
            let is_new = seen[word] & bit == 0;
            seen[word] |= bit;
            is_new && *tag != Tag::ANY
        })
    }
}

/// Children of one container, in order.
#[derive(Debug, Clone)]
pub struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        if self.next >= self.end {
            return None;
        }
        let id = NodeId(self.next);
        self.next = self.document.node(id).next;
        Some(id)
    }
}

/// Whether a text stands in a JSON string as it is, without escapes.
pub fn is_plain(text: &[u8]) -> bool {
    parse::is_plain(text)
}

#[cfg(test)]
mod tests;
