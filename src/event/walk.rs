//! Where the segments of a field path lead within a document. Names match whatever their case and
//! underscores, a name with dots stands for several segments, and arrays stand for their elements.
//! Invariant: a node is visited at most once, so the work is linear in the document.

use std::ops::ControlFlow;

use crate::json::{Document, NodeId, ValueKind};
use crate::sigma::{Value, Visit};

/// A search for the values of paths in one document.
pub(crate) struct Walk<'w, 'a> {
    /// Where to look.
    pub(crate) document: &'w Document<'a>,
    /// Nodes that are not visited, because they have moved elsewhere.
    pub(crate) hidden: &'w dyn Fn(NodeId) -> bool,
    /// Only values that every reading has: if several members match the next segments, readers differ in
    /// which one they use, so none of them is certain.
    pub(crate) certain: bool,
}

/// What segments lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A node; in a search for what is certain, the one of every reading.
    Node(NodeId),
    /// A node in every reading, but not the same one in all.
    Differing,
}

impl<'w, 'a> Walk<'w, 'a> {
    /// A search for all values in a document of which nothing is hidden.
    pub(crate) fn all(document: &'w Document<'a>) -> Self {
        Walk {
            document,
            hidden: &|_| false,
            certain: false,
        }
    }

    /// The same for those values only that are certain.
    pub(crate) fn certain(self) -> Self {
        Walk {
            certain: true,
            ..self
        }
    }

    /// Visits the values that the segments lead to from a node. If every reading has a value there, but not the same
    /// one, a search for what is certain visits [`Value::Composite`], which exists and equals nothing.
    pub(crate) fn visit(
        &self,
        node: NodeId,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        self.nodes(node, segments, &mut |found| match found {
            Found::Node(node) => self.value(node, visit),
            Found::Differing => visit(Value::Composite),
        })
    }

    /// Whether the segments lead to anything from a node.
    pub(crate) fn leads_on(&self, node: NodeId, segments: &[Box<str>]) -> bool {
        let found = self.nodes(node, segments, &mut |_| ControlFlow::Break(()));
        found.is_break()
    }

    /// Gives the nodes that the segments lead to from a node: no array, unless it is empty.
    pub(crate) fn nodes(
        &self,
        node: NodeId,
        segments: &[Box<str>],
        give: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let document = self.document;
        if document.kind(node) == ValueKind::Array && !document.is_empty_container(node) {
            for child in document.children(node) {
                self.nodes(child, segments, give)?;
            }
            return ControlFlow::Continue(());
        }
        if segments.is_empty() {
            return match (self.hidden)(node) {
                true => ControlFlow::Continue(()),
                false => give(Found::Node(node)),
            };
        }
        let mut members = document.members_on_path(node, segments);
        if !self.certain {
            return members
                .try_for_each(|(child, length)| self.nodes(child, &segments[length..], give));
        }
        let Some(first) = members.next() else {
            return ControlFlow::Continue(());
        };
        let Some(second) = members.next() else {
            return self.nodes(first.0, &segments[first.1..], give);
        };
        let all: Vec<_> = [first, second].into_iter().chain(members).collect();
        let mut each = all.iter();
        match self.sure_member(&all, segments) {
            Some((child, length)) => self.nodes(child, &segments[length..], give),
            None if each.all(|(child, length)| self.leads_on(*child, &segments[*length..])) => {
                give(Found::Differing)
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// The one member of these through which every reader goes on: all that stand for as many
    /// segments say the same, and none that stands for another number leads anywhere.
    fn sure_member(
        &self,
        all: &[(NodeId, usize)],
        segments: &[Box<str>],
    ) -> Option<(NodeId, usize)> {
        let leads_on = |(member, length): &(NodeId, usize)| {
            let walk = Walk {
                certain: false,
                ..*self
            };
            walk.leads_on(*member, &segments[*length..])
        };
        let sure = *all.iter().find(|member| leads_on(member))?;
        let raw = |(member, _): &(NodeId, usize)| self.document.raw(*member);
        let agrees = |other: &(NodeId, usize)| match other.1 == sure.1 {
            true => raw(other) == raw(&sure),
            false => !leads_on(other),
        };
        all.iter().all(agrees).then_some(sure)
    }

    fn value(&self, node: NodeId, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let document = self.document;
        match document.kind(node) {
            ValueKind::Null => visit(Value::Null),
            ValueKind::Bool => visit(Value::Bool(document.raw(node) == "true")),
            ValueKind::Number => visit(Value::Number(document.raw(node))),
            ValueKind::String => visit(Value::String(&document.text(node).unwrap_or_default())),
            ValueKind::Array | ValueKind::Object => visit(Value::Composite),
        }
    }
}

/// Visits the strings of a document but for those below these nodes, which are in document order.
pub(crate) fn strings_without(
    document: &Document<'_>,
    left_out: &[NodeId],
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut resumes_at = 0;
    let mut left_out = left_out.iter().peekable();
    for node in document.nodes() {
        if left_out.next_if(|id| **id == node).is_some() {
            resumes_at = resumes_at.max(document.after(node));
        }
        if node.index() >= resumes_at
            && let Some(text) = document.text(node)
        {
            visit(&text)?;
        }
    }
    ControlFlow::Continue(())
}
