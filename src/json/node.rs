//! One value of a document: its type and its place in the text.

use std::num::NonZeroU32;

use super::name::Tag;

/// The type of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
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
pub struct NodeId(
    /// Its place, 1-based, so that `Option<NodeId>` is 4 bytes.
    NonZeroU32,
);

impl NodeId {
    /// The node at this place in document order, from 0.
    #[inline]
    pub(super) fn at(place: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    #[inline]
    pub(super) fn place(self) -> u32 {
        self.0.get() - 1
    }

    /// Place of the node in document order, from 0.
    #[inline]
    pub fn index(self) -> usize {
        self.place() as usize
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// Its bytes. Slicing bytes is cheaper than slicing `str`, which checks that no character is cut.
    #[inline]
    pub(super) fn bytes_of(self, text: &str) -> &[u8] {
        &text.as_bytes()[self.start as usize..self.end as usize]
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: ValueKind,
    /// For strings: whether there are escapes.
    pub(super) escaped: bool,
    /// The tag of the name, to compare names quickly.
    pub(super) tag: Tag,
    /// The name in the parent object, without quotes; empty for elements and the root.
    pub(super) key: Span,
    /// The whole value; for strings without the quotes.
    pub(super) value: Span,
    /// The node after this one's subtree.
    pub(super) next: u32,
}

impl Node {
    /// The content of an unused slot.
    pub(super) const NONE: Node = Node {
        kind: ValueKind::Null,
        escaped: false,
        tag: Tag::ANY,
        key: Span { start: 0, end: 0 },
        value: Span { start: 0, end: 0 },
        next: 0,
    };
}
