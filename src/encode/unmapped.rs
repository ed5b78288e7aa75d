//! Writes what no OCSF attribute took, in the places where it came.

use super::json::{Object, close};
use crate::event::Unmapped;
use crate::event::json::{Kind, NodeId};

/// Writes the rest of the input as members of `unmapped`.
pub(super) fn members(unmapped: &Unmapped<'_>, object: &mut Object<'_>) {
    if unmapped.dropped {
        return;
    }
    for (name, value) in &unmapped.attributes {
        object.text(name, value);
    }
    let root = unmapped.document.root();
    match unmapped.root_name {
        Some(name) => object.member_if(name, |out| rest(unmapped, root, out)),
        None => {
            children(unmapped, root, object.out());
        }
    }
}

/// Writes what remains of a node, and whether anything does: else what it wrote is to be taken back.
fn rest(unmapped: &Unmapped<'_>, node: NodeId, out: &mut Vec<u8>) -> bool {
    if unmapped.is_whole(node) {
        unmapped.document.write_compact(node, out);
        return true;
    }
    let (open, bracket) = match unmapped.document.kind(node) {
        Kind::Array => (b'[', b']'),
        _ => (b'{', b'}'),
    };
    out.push(open);
    let any = children(unmapped, node, out);
    close(out, bracket);
    any
}

/// Writes what remains below a node, each child with its comma, and whether anything does.
#[inline(always)]
fn children(unmapped: &Unmapped<'_>, parent: NodeId, out: &mut Vec<u8>) -> bool {
    let document = &unmapped.document;
    let named = document.kind(parent) == Kind::Object;
    let mut any = false;
    for child in document.children(parent) {
        if unmapped.is_moved(child) {
            continue;
        }
        let before = out.len();
        let remains = if named && document.is_leaf(child) {
            document.write_member(child, out);
            true
        } else {
            if named {
                document.write_key(child, out);
            }
            rest(unmapped, child, out)
        };
        if remains {
            out.push(b',');
            any = true;
        } else {
            out.truncate(before);
        }
    }
    any
}
