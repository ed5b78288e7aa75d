//! Finding and moving parts of a document by path, whatever their spelling.
//! An empty string says nothing: it is never moved and never an attribute.

use std::borrow::Cow;

use crate::event::json::{Document, Kind, NodeId};
use crate::event::{Text, Unmapped};

/// The node at the end of a path of names; case and underscores do not matter.
pub(super) fn descend(
    document: &Document<'_>,
    from: impl Into<Option<NodeId>>,
    names: &[&str],
) -> Option<NodeId> {
    let find = |id, name: &&str| document.member_folded(id, name);
    names.iter().try_fold(from.into()?, find)
}

/// A string that says something.
#[inline]
pub(super) fn text<'a>(document: &Document<'a>, id: impl Into<Option<NodeId>>) -> Option<Text<'a>> {
    document.text_if_any(id.into()?)
}

/// Like [`text`], at the end of a path.
pub(super) fn text_at<'a>(
    document: &Document<'a>,
    from: impl Into<Option<NodeId>>,
    names: &[&str],
) -> Option<Text<'a>> {
    text(document, descend(document, from, names)?)
}

/// Moves a string that says something.
#[inline]
pub(super) fn take<'a>(
    unmapped: &mut Unmapped<'a>,
    id: impl Into<Option<NodeId>>,
) -> Option<Text<'a>> {
    unmapped.document.mark_text(id.into()?)
}

/// Like [`take`], at the end of a path.
pub(super) fn take_at<'a>(
    unmapped: &mut Unmapped<'a>,
    from: impl Into<Option<NodeId>>,
    names: &[&str],
) -> Option<Text<'a>> {
    let id = descend(&unmapped.document, from, names)?;
    take(unmapped, id)
}

/// Moves a whole value as it came; `null` and empty containers stay.
pub(super) fn take_whole(unmapped: &mut Unmapped<'_>, id: Option<NodeId>) -> Option<NodeId> {
    let document = &unmapped.document;
    let says_something =
        |id: &NodeId| document.kind(*id) != Kind::Null && !document.is_empty_container(*id);
    let id = id.filter(says_something)?;
    unmapped.mark_moved(id);
    Some(id)
}

/// A repeated name anywhere in this value, but for the subtrees in `skipped`.
pub(super) fn repeated_key<'a>(
    document: &Document<'a>,
    id: NodeId,
    skipped: &[NodeId],
) -> Option<Cow<'a, str>> {
    if !document.may_repeat_names() || skipped.contains(&id) {
        return None;
    }
    document.repeated_key(id).or_else(|| {
        document
            .children(id)
            .filter(|child| matches!(document.kind(*child), Kind::Array | Kind::Object))
            .find_map(|child| repeated_key(document, child, skipped))
    })
}
