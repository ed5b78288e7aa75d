//! Where the segments of a field path lead within a document. Names match whatever their case and
//! underscores, a name with dots stands for several segments, and arrays stand for their elements.
//! Of the segments of rules, `*` stands for any one name, and `**` for any number of names. Both see what is written,
//! in all readings: whoever could hide it behind a repeated name could as well put it under another name.
//! Invariant: a node is visited at most once for each segment, so the work is linear in the document.

use std::ops::ControlFlow;

use crate::json::{Document, NodeId, ValueKind};
use crate::sigma::{Value, Visit};

/// Stands for any name.
const ANY_NAME: &str = "*";

/// Stands for any number of names.
const ANY_DEPTH: &str = "**";

/// Whether segments may be those of a path: with two of any depth, the work would be quadratic.
pub(super) fn may_be_path(segments: &[&str]) -> bool {
    let of_any_depth = segments.iter().filter(|segment| **segment == ANY_DEPTH);
    segments.iter().all(|segment| !segment.is_empty()) && of_any_depth.count() <= 1
}

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
        if let Some((first, rest)) = segments.split_first()
            && **first == *ANY_DEPTH
        {
            return self.nodes_below(node, rest, give);
        }
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
        if *segments[0] == *ANY_NAME {
            let is_object = document.kind(node) == ValueKind::Object;
            let mut members = document.children(node).filter(|_| is_object);
            return members.try_for_each(|member| self.nodes(member, &segments[1..], give));
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

    /// Gives the nodes that the segments lead to from a node and from each object below it; without segments, every
    /// object and every value.
    fn nodes_below(
        &self,
        node: NodeId,
        segments: &[Box<str>],
        give: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let is_start = |kind| match kind {
            ValueKind::Object => true,
            ValueKind::Array => false,
            _ => segments.is_empty(),
        };
        let nodes = self.document.nodes_within(node);
        let mut starts = nodes.filter(|node| is_start(self.document.kind(*node)));
        starts.try_for_each(|start| self.nodes(start, segments, give))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The values at a path in a document, those of every reading and those that are certain.
    fn found(text: &str, path: &str) -> [Vec<String>; 2] {
        let document = Document::parse(text.as_bytes()).unwrap();
        let segments: Vec<Box<str>> = path.split('.').map(Into::into).collect();
        let all = Walk::all(&document);
        [false, true].map(|certain| {
            let mut values = Vec::new();
            let walk = Walk { certain, ..all };
            let _ = walk.visit(document.root(), &segments, &mut |value| {
                values.extend(value.text().map(std::borrow::Cow::into_owned));
                ControlFlow::Continue(())
            });
            values
        })
    }

    fn both(values: &[&str]) -> [Vec<String>; 2] {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        [values.clone(), values]
    }

    #[test]
    fn any_depth_finds_a_name_in_every_object_and_without_a_name_every_value() {
        let text =
            r#"{"role":"a","list":[[{"Role":"b"}],"c"],"deep":{"er":{"role":["d","e"]}},"n":1}"#;
        assert_eq!(found(text, "**.role"), both(&["a", "b", "d", "e"]));
        assert_eq!(found(text, "deep.**.role"), both(&["d", "e"]));
        assert_eq!(found(text, "**"), both(&["a", "b", "c", "d", "e", "1"]));
        assert_eq!(found(text, "**.er.role"), both(&["d", "e"]));
        assert_eq!(found(text, "**.none"), both(&[]));
        assert_eq!(found(r#"["a",{"role":"b"}]"#, "**.role"), both(&["b"]));
    }

    #[test]
    fn any_name_finds_the_members_of_an_object_and_nothing_below_them() {
        let text = r#"{"configs":{"a":"x","b":["y",["z"]],"c":{"d":"w"}},"e":"v"}"#;
        assert_eq!(found(text, "configs.*"), both(&["x", "y", "z"]));
        assert_eq!(found(text, "*.c.*"), both(&["w"]));
        assert_eq!(found(text, "*.*.d"), both(&["w"]));
        assert_eq!(found(text, "e.*"), both(&[]));
    }

    #[test]
    fn a_name_with_dots_is_found_at_any_depth() {
        let text = r#"{"a":{"retention.ms":"1"},"b":{"retention":{"ms":"2"}}}"#;
        assert_eq!(found(text, "**.retention.ms"), both(&["1", "2"]));
    }

    #[test]
    fn a_repeated_name_has_readings_but_any_name_sees_what_is_written() {
        let text = r#"{"list":[{"role":"a","Role":"b"}]}"#;
        let [all, certain] = found(text, "**.role");
        assert_eq!((all.len(), certain.len()), (2, 0));
        assert_eq!(found(text, "**"), both(&["a", "b"]));
        assert_eq!(found(text, "list.*"), both(&["a", "b"]));
    }

    #[test]
    fn a_path_has_at_most_one_name_of_any_depth() {
        assert!(may_be_path(&["a", "**", "b", "*", "*"]));
        assert!(!may_be_path(&["**", "b", "**"]));
        assert!(!may_be_path(&["a", ""]));
    }
}
