//! Events that are plain JSON documents, as rules from elsewhere expect them: a field is the member of that name, or is
//! found by going down from dot to dot.

use std::ops::ControlFlow;

use watchbell::json::{Document, NodeId, ValueKind};
use watchbell::sigma::{Fields, Origin, UnknownField, Value, Visit, VisitElement};

/// An event and its log source.
pub struct PlainEvent<'e> {
    pub document: Document<'e>,
    pub origin: Origin<'e>,
}

/// The name of a field.
pub struct Path {
    whole: String,
    segments: Vec<String>,
}

impl Path {
    pub fn parse(name: &str) -> Result<Path, UnknownField> {
        Ok(Path {
            whole: name.to_owned(),
            segments: name.split('.').map(str::to_owned).collect(),
        })
    }
}

impl PlainEvent<'_> {
    fn value(&self, node: NodeId, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let document = &self.document;
        match document.kind(node) {
            ValueKind::Null => visit(Value::Null),
            ValueKind::Bool => visit(Value::Bool(document.raw(node) == "true")),
            ValueKind::Number => visit(Value::Number(document.raw(node))),
            ValueKind::String => visit(Value::String(&document.text(node).unwrap_or_default())),
            ValueKind::Object => visit(Value::Composite),
            ValueKind::Array if document.is_empty_container(node) => visit(Value::Composite),
            ValueKind::Array => {
                let mut elements = document.children(node);
                elements.try_for_each(|element| self.value(element, visit))
            }
        }
    }

    fn walk(&self, node: NodeId, segments: &[String], visit: &mut Visit<'_>) -> ControlFlow<()> {
        let document = &self.document;
        match (document.kind(node), segments) {
            (_, []) => self.value(node, visit),
            (ValueKind::Array, _) => {
                let mut elements = document.children(node);
                elements.try_for_each(|element| self.walk(element, segments, visit))
            }
            (ValueKind::Object, [first, rest @ ..]) => match document.member(node, first) {
                Some(member) => self.walk(member, rest, visit),
                None => ControlFlow::Continue(()),
            },
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Fields for PlainEvent<'_> {
    type Path = Path;

    fn values(&self, path: &Path, visit: &mut Visit<'_>) {
        let root = self.document.root();
        let _ = match self.document.member(root, &path.whole) {
            Some(member) => self.value(member, visit),
            None if path.segments.len() > 1 => self.walk(root, &path.segments, visit),
            None => ControlFlow::Continue(()),
        };
    }

    // No public rule asks for one element of a list: it is an extension.
    fn elements(&self, _: &Path, _: usize, _: bool, visit: &mut VisitElement<'_, Path>) {
        let _ = visit(&|path, _, values| self.values(path, values));
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        for node in self.document.nodes() {
            if let Some(text) = self.document.text(node)
                && visit(&text).is_break()
            {
                return;
            }
        }
    }

    fn logsource(&self) -> Origin<'_> {
        self.origin
    }
}
