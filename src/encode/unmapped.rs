//! Writes what no OCSF attribute took, in the places where it came.

use super::json::Object;
use crate::event::Unmapped;
use crate::event::json::{Kind, NodeId};

/// Writes the rest of the input as members of `unmapped`.
pub(super) fn members(unmapped: &Unmapped<'_>, object: &mut Object<'_>) {
    for (name, value) in &unmapped.attributes {
        object.text(name, value);
    }
    let root = unmapped.document.root();
    match unmapped.root_name {
        Some(name) if unmapped.remains(root) => rest(unmapped, root, object.key(name)),
        Some(_) => {}
        None => {
            for child in unmapped.document.children(root) {
                if unmapped.remains(child) {
                    let out = object.separate();
                    unmapped.document.write_key(child, out);
                    rest(unmapped, child, out);
                }
            }
        }
    }
}

/// Whether [`members`] has anything to write.
pub(super) fn is_empty(unmapped: &Unmapped<'_>) -> bool {
    unmapped.dropped
        || (unmapped.attributes.is_empty() && !unmapped.remains(unmapped.document.root()))
}

fn rest(unmapped: &Unmapped<'_>, node: NodeId, out: &mut Vec<u8>) {
    let document = &unmapped.document;
    if unmapped.is_whole(node) {
        document.write_compact(node, out);
        return;
    }
    let kind = document.kind(node);
    let (open, close) = match kind {
        Kind::Array => (b'[', b']'),
        _ => (b'{', b'}'),
    };
    out.push(open);
    let left = document
        .children(node)
        .filter(|child| unmapped.remains(*child));
    for (index, child) in left.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if kind == Kind::Object {
            document.write_key(child, out);
        }
        rest(unmapped, child, out);
    }
    out.push(close);
}
