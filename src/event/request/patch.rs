//! The operations of a JSON Patch (RFC 6902): `{"op": "replace", "path": "/spec/stopped", "value": true}` says of the
//! member `stopped` what `{"spec": {"stopped": true}}` says.

use std::ops::ControlFlow;

use super::names::{Name, folded};
use super::object::{Object, is_type};
use crate::json::NodeId;

/// How many operations may be around what is read as one: each takes the time of its value once more.
pub(super) const MOST_PATCHES: usize = 2;

/// With more paths than these and values of more bytes, only the first and the last paths count, one of which any
/// parser takes: each path takes the time of the values.
const MOST_PATHS: usize = 4;
const MOST_BYTES: usize = 256;

/// An operation.
pub(super) struct Patch {
    /// The names in each of its paths.
    pub(super) paths: Vec<Vec<Name>>,
    /// The members that hold its value.
    pub(super) values: Vec<NodeId>,
    /// Whether it may remove what is at the path.
    pub(super) removes: bool,
}

impl Patch {
    /// The operation that an object is. Its members may be repeated.
    pub(super) fn of(object: Object<'_, '_>) -> Option<Patch> {
        let mut patch = Patch {
            paths: Vec::new(),
            values: Vec::new(),
            removes: false,
        };
        let mut sets = false;
        for (name, member) in object.members() {
            match folded(&name).as_str() {
                "op" => {
                    let _ = object.scalars(member, &mut |value| {
                        let word = value.text().map(|text| folded(&text));
                        match word.as_deref() {
                            Some("remove" | "delete") => patch.removes = true,
                            Some("test") => {}
                            _ => sets = true,
                        }
                        ControlFlow::Continue(())
                    });
                }
                "path" => {
                    let _ = object.scalars(member, &mut |value| {
                        let path = value.text().and_then(|text| names(&text));
                        patch.paths.extend(path);
                        ControlFlow::Continue(())
                    });
                }
                "value" => patch.values.push(member),
                _ => {}
            }
        }
        if !sets {
            patch.values.clear();
        }
        let values = patch.values.iter();
        let bytes: usize = values.map(|value| object.bytes(*value)).sum();
        if patch.paths.len() > MOST_PATHS && bytes > MOST_BYTES {
            let last = patch.paths.len() - MOST_PATHS / 2;
            patch.paths.drain(MOST_PATHS / 2..last);
        }
        Some(patch).filter(|patch| patch.removes || !patch.values.is_empty())
    }
}

/// The names in a path, but for places in a list and for the type of a value at its end; `None` if it is no path.
fn names(path: &str) -> Option<Vec<Name>> {
    let is_place = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit()) || *name == "-";
    let segments = path.strip_prefix('/')?.split('/');
    let segments = segments.filter(|segment| !is_place(segment));
    let unescaped = segments.map(|segment| segment.replace("~1", "/").replace("~0", "~"));
    let mut names: Vec<_> = unescaped.map(|name| Name::new(name.into())).collect();
    while names.len() > 1 && names.last().is_some_and(|name| is_type(name.folded())) {
        names.pop();
    }
    (!names.is_empty()).then_some(names)
}
