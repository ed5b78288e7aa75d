//! Finding and moving parts of a document by path, whatever their spelling.
//! An empty string counts as absent: it is never moved and never an attribute.

use super::error::NormalizeError;
use crate::event::Unmapped;
use crate::json::{Document, NodeId, Text, ValueKind, same_name};

/// The node at the end of a path of names; case and underscores do not matter.
pub(super) fn descend(
    document: &Document<'_>,
    from: impl Into<Option<NodeId>>,
    names: &[&str],
) -> Option<NodeId> {
    let find = |id, name: &&str| document.member_folded(id, name);
    names.iter().try_fold(from.into()?, find)
}

/// A string that is not empty.
#[inline]
pub(super) fn text<'a>(document: &Document<'a>, id: impl Into<Option<NodeId>>) -> Option<Text<'a>> {
    document.text_if_any(id.into()?)
}

/// A string that is not empty, or a number as it is written.
pub(super) fn scalar<'a>(document: &Document<'a>, id: NodeId) -> Option<Text<'a>> {
    match document.kind(id) {
        ValueKind::Number => document.number(id),
        _ => text(document, id),
    }
}

/// `true` or `false`, also as a text, whatever its case.
pub(super) fn flag(document: &Document<'_>, id: NodeId) -> Option<bool> {
    let text = text(document, id);
    let word = match document.kind(id) {
        ValueKind::Bool => document.raw(id),
        _ => text.as_deref()?,
    };
    let is = |flag: &str| word.eq_ignore_ascii_case(flag);
    is("true").then_some(true).or(is("false").then_some(false))
}

/// Whether a value is a list of nothing but lists.
pub(super) fn is_list_of_lists(document: &Document<'_>, id: NodeId) -> bool {
    let mut elements = document.children(id).peekable();
    document.kind(id) == ValueKind::Array
        && elements.peek().is_some()
        && elements.all(|element| document.kind(element) == ValueKind::Array)
}

/// Like [`text`], at the end of a path.
pub(super) fn text_at<'a>(
    document: &Document<'a>,
    from: impl Into<Option<NodeId>>,
    names: &[&str],
) -> Option<Text<'a>> {
    text(document, descend(document, from, names)?)
}

/// Moves a string that is not empty.
#[inline]
pub(super) fn take<'a>(
    unmapped: &mut Unmapped<'a>,
    id: impl Into<Option<NodeId>>,
) -> Option<Text<'a>> {
    unmapped.document.mark_text(id.into()?)
}

/// Like [`take`], of a string that an event cannot do without.
///
/// # Errors
/// The member is absent, empty or not a string.
pub(super) fn take_required<'a>(
    unmapped: &mut Unmapped<'a>,
    id: Option<NodeId>,
    path: &'static str,
) -> Result<Text<'a>, NormalizeError> {
    let is_text = |id| unmapped.document.kind(id) == ValueKind::String;
    let error = match id.is_some_and(is_text) {
        true => NormalizeError::Empty { path },
        false => NormalizeError::WrongType {
            path,
            expected: "a string",
        },
    };
    take(unmapped, id).ok_or(error)
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
        |id: &NodeId| document.kind(*id) != ValueKind::Null && !document.is_empty_container(*id);
    let id = id.filter(says_something)?;
    unmapped.mark_moved(id);
    Some(id)
}

/// Notes which names can be read in two ways, of which only those that callers chose may be.
///
/// # Errors
/// The first name that is repeated, or has two spellings, where only the vendor chooses names.
pub(super) fn note_repeated_names(
    unmapped: &mut Unmapped<'_>,
    is_callers: impl Fn(&Document<'_>, NodeId) -> bool,
) -> Result<(), NormalizeError> {
    let document = &unmapped.document;
    unmapped.repeated = refuse_repeated_names(document, |id| is_callers(document, id))?;
    Ok(())
}

/// The members whose name is repeated, or has two spellings; each of them must be one that may be.
///
/// # Errors
/// The first that may not be.
pub(super) fn refuse_repeated_names(
    document: &Document<'_>,
    may_be: impl Fn(NodeId) -> bool,
) -> Result<Vec<NodeId>, NormalizeError> {
    let repeated = document.repeated_members();
    match repeated.iter().find(|id| !may_be(**id)) {
        None => Ok(repeated),
        Some(first) => {
            let name = |id| document.key(id).into_owned();
            Err(NormalizeError::DuplicateKey {
                first: name(*first),
                second: name(document.same_named(*first).unwrap_or(*first)),
            })
        }
    }
}

/// Whether a node lies below another one.
pub(super) fn is_below(document: &Document<'_>, node: NodeId, part: Option<NodeId>) -> bool {
    part.is_some_and(|part| part < node && node.index() < document.after(part))
}

/// Every member of an object by that name, whatever its case and underscores.
pub(super) fn all_named(
    document: &Document<'_>,
    object: Option<NodeId>,
    name: &str,
) -> impl Iterator<Item = NodeId> {
    let object = object.filter(|id| document.kind(*id) == ValueKind::Object);
    let members = object.into_iter().flat_map(|id| document.children(id));
    members.filter(move |member| same_name(&document.key(*member), name))
}
