//! A parsed JSON document that borrows from its text: one flat list of nodes; strings are decoded only when
//! needed. Every node has its raw slice, so numbers and strings are written exactly as they were read.

use std::borrow::Cow;

use super::error::JsonError;
use super::escape::unescaped;
use super::name::{Tag, same_name};
use super::node::{Node, NodeId, Span, ValueKind};
use super::nodes::{Memory, Nodes};
use super::parse::{self, Parsed};
use super::text::Text;

/// Most levels of nested arrays and objects, unless the caller sets another limit.
pub const DEPTH: usize = 128;

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) nodes: Nodes<'a>,
    /// Whether there is no white space outside of strings, so that raw slices can be copied unchanged.
    pub(super) compact: bool,
    /// If false, no object has a name twice, or in two spellings.
    pub(super) may_repeat_names: bool,
}

impl<'a> Document<'a> {
    /// Parses a text nested at most [`DEPTH`] levels deep.
    ///
    /// # Errors
    /// [`JsonError`], the first fault from the left.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_within_in(None, DEPTH, bytes)
    }

    /// Like `parse`, with reused memory if there is some.
    ///
    /// # Errors
    /// [`JsonError`], the first fault from the left.
    pub fn parse_in(memory: Option<&'a Memory>, bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_within_in(memory, DEPTH, bytes)
    }

    /// Parses a text with at most so many levels of nesting.
    ///
    /// # Errors
    /// [`JsonError`], the first fault from the left.
    pub fn parse_within(levels: usize, bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_within_in(None, levels, bytes)
    }

    /// Like `parse_within`, with reused memory if there is some.
    ///
    /// # Errors
    /// [`JsonError`], the first fault from the left.
    pub fn parse_within_in(
        memory: Option<&'a Memory>,
        levels: usize,
        bytes: &'a [u8],
    ) -> Result<Self, JsonError> {
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 {
            offset: error.valid_up_to(),
        })?;
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError::TooLong);
        }
        let Parsed {
            nodes,
            compact,
            may_repeat_names,
        } = parse::parse(text, levels, memory)?;
        Ok(Self {
            text,
            nodes,
            compact,
            may_repeat_names,
        })
    }

    /// The outermost value.
    pub fn root(&self) -> NodeId {
        NodeId::at(0)
    }

    #[inline]
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Every node, in document order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId::at)
    }

    /// A node and every one below it, in document order.
    pub fn nodes_within(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        (id.place()..self.node(id).next).map(NodeId::at)
    }

    /// The node's type.
    #[inline]
    pub fn kind(&self, id: NodeId) -> ValueKind {
        self.node(id).kind
    }

    #[inline]
    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The value as written, a string with its quotes, white space included.
    #[inline]
    pub fn raw(&self, id: NodeId) -> &'a str {
        let node = self.node(id);
        match node.kind {
            ValueKind::String => {
                &self.text[node.value.start as usize - 1..node.value.end as usize + 1]
            }
            _ => self.slice(node.value),
        }
    }

    /// A string's content, decoded; `None` for other types.
    #[inline]
    pub fn text(&self, id: NodeId) -> Option<Text<'a>> {
        let node = self.node(id);
        (node.kind == ValueKind::String).then(|| self.content(node))
    }

    /// A number as written; `None` for other types.
    pub fn number(&self, id: NodeId) -> Option<Text<'a>> {
        (self.kind(id) == ValueKind::Number).then(|| Text::of_span(self.raw(id)))
    }

    /// The content of a string that is not empty, decoded; `None` for others.
    #[inline]
    pub fn text_if_any(&self, id: NodeId) -> Option<Text<'a>> {
        let node = self.node(id);
        let has_text = node.kind == ValueKind::String && node.value.start != node.value.end;
        has_text.then(|| self.content(node))
    }

    /// The same; it marks the node.
    #[inline]
    pub fn mark_text(&mut self, id: NodeId) -> Option<Text<'a>> {
        let text = self.text_if_any(id)?;
        self.nodes.marks[id.index()] = true;
        Some(text)
    }

    /// The content of a string, decoded.
    #[inline]
    fn content(&self, node: &Node) -> Text<'a> {
        let content = self.slice(node.value);
        match node.escaped {
            true => unescaped(content).into(),
            false => Text::of_span(content),
        }
    }

    /// The name of this node in its parent object, decoded; empty for elements.
    #[inline]
    pub fn key(&self, id: NodeId) -> Cow<'a, str> {
        let node = self.node(id);
        let key = self.slice(node.key);
        match node.tag == Tag::ANY && key.contains('\\') {
            true => Cow::Owned(unescaped(key)),
            false => Cow::Borrowed(key),
        }
    }

    /// The node after this one's whole subtree, in document order.
    pub fn after(&self, id: NodeId) -> usize {
        self.node(id).next as usize
    }

    /// Marks a node and every one below it.
    pub fn mark(&mut self, id: NodeId) {
        let end = self.after(id);
        match &mut self.nodes.marks[id.index()..end] {
            // Most values are leaves, for which a function call would cost more than the work itself.
            [leaf] => *leaf = true,
            all => all.fill(true),
        }
    }

    /// Whether this node is marked.
    pub fn is_marked(&self, id: NodeId) -> bool {
        self.nodes.marks[id.index()]
    }

    /// Whether this node or one below it is marked.
    pub fn has_marks(&self, id: NodeId) -> bool {
        self.nodes.marks[id.index()..self.after(id)].contains(&true)
    }

    /// Members of an object or elements of an array, in order; nothing for other types.
    #[inline]
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        self.nodes_in(id).map(|(child, _)| child)
    }

    /// The children with their nodes.
    #[inline]
    pub(super) fn nodes_in(&self, id: NodeId) -> NodesIn<'_> {
        let end = self.node(id).next as usize;
        NodesIn {
            nodes: self.nodes.before(end),
            next: id.place() + 1,
        }
    }

    /// The node and every one below it, in document order.
    pub fn nodes_of(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        (id.place()..self.node(id).next).map(NodeId::at)
    }

    /// Whether this node has no children: a scalar or an empty container.
    pub fn is_leaf(&self, id: NodeId) -> bool {
        self.node(id).next == id.place() + 1
    }

    /// Whether a container has no children.
    pub fn is_empty_container(&self, id: NodeId) -> bool {
        matches!(self.kind(id), ValueKind::Array | ValueKind::Object) && self.is_leaf(id)
    }

    /// The first member of that exact name.
    pub fn member(&self, id: NodeId, name: &str) -> Option<NodeId> {
        let mut alike = self.members_like(id, Tag::of(name));
        alike.find(|&child| self.key(child) == name)
    }

    /// The member of that name, otherwise the first whose name differs only in case and underscores:
    /// `clientAddress` finds `client_address`.
    pub fn member_folded(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.find_folded(id, Tag::of(name), name)
    }

    /// The same; the tag is that of the name.
    pub(super) fn find_folded(&self, id: NodeId, tag: Tag, name: &str) -> Option<NodeId> {
        let mut folded = None;
        for child in self.members_like(id, tag) {
            let key = self.key(child);
            if key == name {
                return Some(child);
            }
            if folded.is_none() && same_name(&key, name) {
                folded = Some(child);
            }
        }
        folded
    }

    /// Members whose names may be equal to one with this tag, ignoring case and underscores.
    #[inline]
    fn members_like(&self, id: NodeId, tag: Tag) -> impl Iterator<Item = NodeId> {
        self.members(id)
            .filter(move |(_, node)| tag.may_be(node.tag))
            .map(|(child, _)| child)
    }

    /// Members of an object with their nodes; nothing for other types.
    #[inline]
    pub(super) fn members(&self, id: NodeId) -> NodesIn<'_> {
        match self.kind(id) {
            ValueKind::Object => self.nodes_in(id),
            _ => NodesIn {
                nodes: &[],
                next: 0,
            },
        }
    }

    /// The container of a node; `None` for the root.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        let mut before = (0..id.place()).rev().map(NodeId::at);
        before.find(|other| self.after(*other) > id.index())
    }
}

/// Children of one container, in order.
pub(super) struct NodesIn<'d> {
    /// The nodes of the document up to the end of the container.
    nodes: &'d [Node],
    next: u32,
}

impl<'d> Iterator for NodesIn<'d> {
    type Item = (NodeId, &'d Node);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let node = self.nodes.get(self.next as usize)?;
        let id = NodeId::at(self.next);
        self.next = node.next;
        Some((id, node))
    }
}
